"""Write-back against posting the same bundles with plain httpx, killed and resumed, and its peak memory.

    python benchmarks/write_back.py 1000 10000            on the sandbox; memory is compared between first and last
    python benchmarks/write_back.py --hapi 1000           on a HAPI of our own (Java and Maven)
    python benchmarks/write_back.py 100000 --kills 20000  the killed trials on fewer patients

Goals: ours / raw <= 1.10; a second run writes nothing; killed and resumed / undisturbed <= 1.05; memory <= 1.5.
Each trial has a server and a lake of its own. Patients are invented; their profiles are those of 200 patients of the
sandbox, over and over, so that the panels are of real size.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from write_back_raw import prebuilt, raw_side
from write_back_site import Servers, Site, Template

FRACTIONS = (0.25, 0.5, 0.75)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("patients", type=int, nargs="*", default=[1_000, 10_000])
    words.add_argument("--hapi", action="store_true")
    words.add_argument(
        "--kills", type=int, help="patients in the killed trials; as many as in the largest, unless given"
    )
    words.add_argument("--rounds", type=int, default=1, help="of both sides; the medians are compared")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="write-back-") as folder, Servers(Path(folder), asked.hapi) as servers:
        template = Template.made(Path(folder))
        peaks = {size: _size(servers, template, size, asked.rounds) for size in asked.patients}
        small, large = min(peaks), max(peaks)
        if small < large:
            ratio = peaks[large] / peaks[small]
            print(
                f"memory   {peaks[small]:.0f} MB at {small:,}, {peaks[large]:.0f} MB at {large:,}: {ratio:.2f} (<= 1.5)"
            )
        _killed(servers, template, asked.kills or max(asked.patients))


def _size(servers: Servers, template: Template, patients: int, rounds: int) -> float:
    """Both sides; returns the peak memory of ours in MB."""
    ours, raw, peak = [], [], 0.0
    for _ in range(rounds):
        with servers.site(template, patients) as site:
            bundles = asyncio.run(prebuilt(site))
            raw.append(raw_side(site.url, bundles, site.in_flight))
        with servers.site(template, patients) as site:
            done = site.apply()
            assert done.told["written"]["Observation"] == patients, done.told
            ours.append(done.told["seconds"]["apply"])
            peak = max(peak, done.peak)
            _second(site, patients)
    mine, theirs = _median(ours), _median(raw)
    print(
        f"write    {patients:,} patients: raw {theirs:.1f} s ({patients / theirs:,.0f} bundles/s), ours {mine:.1f} s: "
        f"{mine / theirs:.2f} (<= 1.10); peak {peak:.0f} MB",
        flush=True,
    )
    return peak


def _second(site: Site, patients: int) -> None:
    """The server itself says that nothing is new."""
    since = site.clock()
    site.plan()
    done = site.apply()
    assert done.told["written"] == {}, done.told
    changed = {each: site.changed(each, since) for each in ("Patient", "Observation", "Provenance", "Device")}
    assert not any(changed.values()), changed
    print(f"again    {patients:,} patients: 0 writes [{done.wall:.1f} s]", flush=True)


def _killed(servers: Servers, template: Template, patients: int) -> None:
    with servers.site(template, patients) as site:
        undisturbed = site.apply().wall
    for fraction in FRACTIONS:
        with servers.site(template, patients) as site:
            first = site.apply(killed_at=int(patients * fraction))
            rest = site.apply()
            stands = site.panels()
            assert (stands, rest.told["set_aside"]) == (patients, []), (stands, rest.told["set_aside"][:3])
            both = first.wall + rest.wall
            print(
                f"killed   at {fraction:.0%} of {patients:,}: {first.wall:.1f} + {rest.wall:.1f} s against "
                f"{undisturbed:.1f} s: {both / undisturbed:.3f} (<= 1.05)",
                flush=True,
            )


def _median(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


if __name__ == "__main__":
    main()
