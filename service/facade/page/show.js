// The answer of the authorization server goes in, the profile of the patient goes out, on one screen.
import { settings, say } from "/app/smart.js";
import { render } from "/app/profile.js";

const came = new URLSearchParams(location.search);

// Each launch is good for one return: whatever comes of it, what was kept of it is gone.
function started() {
  const key = `launch ${came.get("state")}`;
  const kept = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  if (!kept) throw new Error("This was not begun here, or has been used. Launch the app again.");
  return JSON.parse(kept);
}

async function token({ token_endpoint, verifier }) {
  const { client_id, redirect_uri } = await settings();
  const body = new URLSearchParams({
    grant_type: "authorization_code", code: came.get("code"), redirect_uri, client_id, code_verifier: verifier,
  });
  const answer = await fetch(token_endpoint, { method: "POST", body, redirect: "error" });
  if (!answer.ok) throw new Error("The authorization server gave no token.");
  const told = await answer.json();
  if (String(told.token_type).toLowerCase() !== "bearer") throw new Error("The token is of a kind that is not known here.");
  return told;
}

const covers = (scope) => String(scope ?? "").split(" ").some((each) => /^(patient|user)\/(Observation|\*)\.(c?r?u?d?s|read|\*)(\?|$)/.test(each));

async function profile(server, told) {
  if (!told.patient) throw new Error("No patient is chosen. Open the app from a patient, or choose one.");
  if (!covers(told.scope)) throw new Error("The token does not let this app read the profile.");
  const query = new URLSearchParams({
    patient: told.patient, code: "https://w3id.org/fhir-personalization/CodeSystem/personalization-measure|profile",
    status: "final,amended", _sort: "-date", _count: "1",
  });
  const answer = await fetch(`${server}/Observation?${query}`, {
    headers: { Accept: "application/fhir+json", Authorization: `Bearer ${told.access_token}` }, redirect: "error",
  });
  if (!answer.ok) throw new Error(`The server did not give the profile (${answer.status}).`);
  return ((await answer.json()).entry ?? []).map((each) => each.resource).find((each) => each.resourceType === "Observation");
}

async function show() {
  if (came.get("error")) throw new Error(`The authorization server refused: ${came.get("error_description") ?? came.get("error")}`);
  if (!came.has("state") && !came.has("code")) { location.replace("/app/launch"); return; }
  const launch = started();
  history.replaceState(null, "", "/app/"); // the code is used, and belongs into no history
  const told = await token(launch);
  render(await profile(launch.server, told), told, new Date());
}

show().catch((error) => say(error.message));
