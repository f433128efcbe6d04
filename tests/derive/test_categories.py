"""What the categories of adjudications mean is data that a hospital adds to."""

import pytest
from oracle.histories import patient

from service.derive.categories import Categories
from service.errors import WrongUsage

from .explanations import HL7, money, of, on, said
from .lakes import profiled


def test_a_hospital_adds_the_codes_of_its_payers(tmp_path):
    own = tmp_path / "adjudications.toml"
    own.write_text(
        '[[include]]\nmeaning = "copay"\nsystem = ["http://payer.example/codes"]\ncode = ["CP"]\n'
        f'[[include]]\nmeaning = "allowed"\nsystem = ["{HL7}"]\ncode = ["benefit"]\n'
    )
    told = [said("CP", "8", system="http://payer.example/codes"), said("deductible", "2"), said("benefit", "60")]
    resources = [patient("p"), *on("p", of("p", total=told))]
    shipped = profiled(tmp_path / "shipped", resources)
    added = profiled(tmp_path / "added", resources, categories=Categories.load(own))
    assert shipped.value("p", "patient-liability-p1y") == money(USD="2")
    assert added.value("p", "patient-liability-p1y") == money(USD="10")
    assert added.value("p", "allowed-amount-p1y") == money(USD="60")
    assert added.value("p", "insurer-paid-p1y") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("include = 3", "include"),
        ('[[include]]\nmeaning = "bribe"\nsystem = ["s"]\ncode = ["c"]', "include.0.meaning"),
        ('[[include]]\nmeaning = "copay"\nsystem = []\ncode = ["c"]', "include.0.system"),
        ("[[", "no TOML"),
    ],
)
def test_a_value_set_that_does_not_fit_is_told_with_its_place(tmp_path, text, words):
    path = tmp_path / "adjudications.toml"
    path.write_text(text)
    with pytest.raises(WrongUsage) as error:
        Categories.load(path)
    assert str(path) in str(error.value) and words in str(error.value)
