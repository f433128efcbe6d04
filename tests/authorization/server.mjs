// On stdin a FHIR base, a client's id and its address in; an authorization server for that app out, its address on stdout.
//
// oidc-provider does the protocol, with its own checks; here is what SMART adds (aud, launch, patient), and a clinician
// who agrees to everything. Its address comes first, for whoever it is told to has to know it.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { createInterface } from "node:readline/promises";
import Provider, { errors } from "oidc-provider";

const CHOSEN = "p02-preventive"; // by whoever launches the app by itself
const SCOPES = ["launch", "launch/patient", "patient/Observation.rs"];
const contexts = new Map([["the-context", "p03-emergency"]]); // of the EHR: which patient a launch is about

const key = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey.export({ format: "jwk" });
const patient = (asked) => (asked.launch ? contexts.get(asked.launch) : CHOSEN);

function configuration({ base, client_id, redirect_uri }) {
  return {
    clients: [{
      client_id, redirect_uris: [redirect_uri], token_endpoint_auth_method: "none", grant_types: ["authorization_code"],
      response_types: ["code"],
    }],
    jwks: { keys: [{ ...key, use: "sig", alg: "ES384", kid: "of-this-run" }] },
    extraParams: ["aud", "launch"],
    enabledJWA: { idTokenSigningAlgValues: ["ES384"] },
    clientDefaults: { id_token_signed_response_alg: "ES384" },
    pkce: { required: () => true },
    clientBasedCORS: () => true,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/agree/${interaction.uid}` },
    extraTokenClaims: (ctx) => ({ patient: patient(launches.get(ctx.oidc.entities.Grant.jti)) }),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => ctx.oidc.params.aud ?? base,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => {
          if (resource !== base) throw new errors.InvalidTarget("aud is not the FHIR server");
          return { scope: SCOPES.join(" "), audience: base, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES384" } } };
        },
      },
    },
  };
}

// What the launch of each grant was about.
const launches = new Map();

async function agree(provider, { base, client_id }, request, response) {
  const { params, prompt } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    await provider.interactionFinished(request, response, { login: { accountId: "clinician" } });
    return;
  }
  const grant = new provider.Grant({ accountId: "clinician", clientId: client_id });
  grant.addResourceScope(base, params.scope);
  const grantId = await grant.save();
  launches.set(grantId, { launch: params.launch });
  await provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
}

function answering(provider, app) {
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === "token" && ctx.body?.access_token) ctx.body.patient = patient(launches.get(ctx.oidc.entities.Grant.jti));
  });
  const protocol = provider.callback();
  return (request, response) => {
    if (!request.url.startsWith("/agree/")) return protocol(request, response);
    return agree(provider, app, request, response).catch((error) => response.writeHead(500).end(String(error)));
  };
}

const server = createServer().listen(0, "127.0.0.1", async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  console.log(issuer);
  const [base, client_id, redirect_uri] = (await createInterface(process.stdin).question("")).split(" ");
  const app = { base, client_id, redirect_uri };
  server.on("request", answering(new Provider(issuer, configuration(app)), app));
  console.log("ready");
});
