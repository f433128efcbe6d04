// A profile goes in, one screen goes out. Past its validity it is treated as absent; what is unknown is said to be so.
const BASE = "https://w3id.org/fhir-personalization/StructureDefinition";

const at = (id) => document.getElementById(id);
const parts = (element, url) => (element.extension ?? []).filter((each) => each.url === url);
const values = (element, url) => parts(element, url).map((each) => Object.entries(each).find(([name]) => name.startsWith("value"))?.[1]);
const display = (concept) => concept?.coding?.[0]?.display ?? concept?.coding?.[0]?.code ?? "";
const day = (text) => String(text ?? "").slice(0, 10);
const words = (code) => String(code ?? "").replaceAll("-", " ");

function amount({ value, unit } = {}) {
  if (value === undefined) return "";
  return `${value}${unit && !["1", "XXX"].includes(unit) ? ` ${unit}` : ""}`; // XXX is of no currency: nothing at all
}

function line(place, ...texts) {
  const item = document.createElement(place.tagName === "UL" ? "li" : "tr");
  for (const text of texts) {
    const cell = place.tagName === "UL" ? item : item.appendChild(document.createElement("td"));
    cell.textContent = text;
  }
  place.appendChild(item);
}

// A rule that fired names the measure it looked at; where nothing was ever recorded it has no value.
function reason(rationale, names) {
  const [code] = values(rationale, "measure"), [value] = values(rationale, "value");
  return `${names.get(code) ?? words(code)}: ${value === undefined ? "none recorded" : typeof value === "object" ? amount(value) : value}`;
}

function measure(component) {
  const unknown = component.dataAbsentReason?.text ?? display(component.dataAbsentReason);
  return unknown ? `not known: ${unknown}` : amount(component.valueQuantity) || day(component.valueDateTime) || display(component.valueCodeableConcept);
}

export function render(panel, told, now) {
  if (told.need_patient_banner !== false) {
    at("patient").textContent = `Patient ${told.patient}`;
    at("patient").hidden = false;
  }
  const [said] = panel ? parts(panel, `${BASE}/patient-personalization`) : [];
  const until = said && values(said, "validUntil")[0];
  if (!said || (until && new Date(until) <= now)) {
    at("said").textContent = "No profile counts for this patient today.";
    return;
  }
  at("said").textContent = `Care level: ${display(panel.valueCodeableConcept) || `not known. ${panel.dataAbsentReason?.text ?? ""}`}`;
  values(said, "pathway").forEach((each) => line(at("pathways"), display(each)));
  const names = new Map((panel.component ?? []).map((each) => [each.code.coding[0].code, display(each.code)]));
  const reasons = parts(panel, `${BASE}/personalization-rationale`).map((each) => reason(each, names));
  new Set(reasons).forEach((each) => line(at("reasons"), each));
  for (const list of ["pathways", "reasons"]) if (!at(list).children.length) line(at(list), "none");
  (panel.component ?? []).forEach((each) => line(at("measures"), display(each.code), measure(each)));
  at("dates").textContent = `As of ${day(values(said, "asOf")[0])}, until ${day(until)}. It orders attention, and decides nothing about treatment.`;
  at("profile").hidden = false;
}
