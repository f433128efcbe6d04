// The address of the launch goes in, the request to the authorization server goes out. SMART App Launch 2.2.0.
import { settings, say, random, challenge, configuration } from "/app/smart.js";

const asked = new URLSearchParams(location.search);

async function launch() {
  const { base, servers, client_id, redirect_uri } = await settings();
  const [iss, context] = [asked.get("iss"), asked.get("launch")];
  if (Boolean(iss) !== Boolean(context)) throw new Error("The launch names a server without a context, or the other way round.");
  const server = (iss ?? base).replace(/\/$/, "");
  if (!servers.includes(server)) throw new Error("The launch names a server that this app does not know.");
  const { authorization_endpoint, token_endpoint } = await configuration(server);
  const [state, verifier] = [random(), random()];
  // Of this tab alone, and gone with it; the token that follows is never stored.
  sessionStorage.setItem(`launch ${state}`, JSON.stringify({ server, token_endpoint, verifier }));
  const query = new URLSearchParams({
    response_type: "code", client_id, redirect_uri, state, aud: iss ?? base,
    scope: `${context ? "launch" : "launch/patient"} patient/Observation.rs`,
    code_challenge: await challenge(verifier), code_challenge_method: "S256",
    ...(context ? { launch: context } : {}),
  });
  location.replace(`${authorization_endpoint}${authorization_endpoint.includes("?") ? "&" : "?"}${query}`);
}

launch().catch((error) => say(error.message));
