// What launching and showing share: settings, random words, and where to ask for tokens. Nothing that came in is ever
// written as HTML.
export const say = (text) => { document.getElementById("said").textContent = text; };

export async function settings() {
  return (await fetch("/app/settings.json")).json();
}

const encoded = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// 256 random bits, 43 characters: for the state and for the verifier of PKCE.
export const random = () => encoded(crypto.getRandomValues(new Uint8Array(32)));

export async function challenge(verifier) {
  return encoded(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

export async function configuration(server) {
  const answer = await fetch(`${server}/.well-known/smart-configuration`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("The server names no authorization server.");
  const told = await answer.json();
  if (!(told.code_challenge_methods_supported ?? []).includes("S256")) throw new Error("The server knows no S256.");
  for (const name of ["authorization_endpoint", "token_endpoint"]) secure(told[name]);
  return told;
}

// Codes and tokens go over TLS, or stay on this machine.
function secure(address) {
  const { protocol, hostname } = new URL(address);
  if (protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname))) return;
  throw new Error("The authorization server is not reached securely.");
}
