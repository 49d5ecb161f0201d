// A strict client that we did not write (npm openid-client), told what to do line by line: {"do", ...} in, {"ok"} or {"err"} out.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const methods = { basic: client.ClientSecretBasic, post: client.ClientSecretPost, none: client.None };
let config, verifier, state;

const commands = {
  async discover({ issuer, client_id, client_secret, auth }) {
    const proof = methods[auth](client_secret);
    const options = { algorithm: "oauth2", execute: [client.allowInsecureRequests] };
    config = await client.discovery(new URL(issuer), client_id, {}, proof, options);
    return config.serverMetadata();
  },
  async begin({ redirect_uri, scope }) {
    verifier = client.randomPKCECodeVerifier();
    state = client.randomState();
    const code_challenge = await client.calculatePKCECodeChallenge(verifier);
    const asked = { redirect_uri, scope, state, code_challenge, code_challenge_method: "S256" };
    return client.buildAuthorizationUrl(config, asked).href;
  },
  // Compares state and iss with what it expects, before it asks for tokens.
  finish: ({ url }) =>
    client.authorizationCodeGrant(config, new URL(url), { pkceCodeVerifier: verifier, expectedState: state }),
  refresh: ({ token }) => client.refreshTokenGrant(config, token),
  refresh_twice: ({ token }) => Promise.all([1, 2].map(() => client.refreshTokenGrant(config, token))),
  alone: ({ scope }) => client.clientCredentialsGrant(config, { scope }),
  introspect: ({ token }) => client.tokenIntrospection(config, token),
  revoke: ({ token }) => client.tokenRevocation(config, token),
  async resource({ url, token }) {
    const answer = await client.fetchProtectedResource(config, token, new URL(url), "GET");
    return { status: answer.status, body: await answer.json() };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  let said;
  try {
    said = { ok: (await commands[told.do](told)) ?? null };
  } catch (error) {
    const { name, code, status, message } = error;
    said = { err: { name, code, status, message, error: error.error ?? error.cause?.get?.("error") ?? null } };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
