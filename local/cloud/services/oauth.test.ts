/** The token endpoint's refusals and the published certificates, over plain HTTP: the door's part is tested with it. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import jwt from "jsonwebtoken";
import { ApiError } from "../errors";
import { openPrincipals, OPERATOR } from "../door/principals";
import { openStore } from "../engine/store";
import { openTokens, type Tokens } from "../door/tokens";
import type { Store } from "../cloud";
import type { JsonObject } from "../service";
import { oauthEndpoints } from "./oauth";

const EMAIL = "runner@p.iam.gserviceaccount.com";
const TOKEN = "https://oauth2.googleapis.com/token";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const key = generateKeyPairSync("rsa", {
  ...{ modulusLength: 2048, publicKeyEncoding: { type: "spki", format: "pem" } },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
} as const);

let folder: string;
let store: Store;
let tokens: Tokens;
let server: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oauth-"));
  const now = () => new Date();
  store = await openStore(join(folder, "store"));
  tokens = await openTokens({ folder, now });
  const account = { email: EMAIL, uniqueId: "123", projectId: "p" };
  const stored = { publicKeyPem: key.publicKey, certificatePem: "PEM" };
  await store.write({ put: { [`projects/p/serviceAccounts/${EMAIL}`]: account, [`iam/keys/${EMAIL}/k1`]: stored } });
  const project = { id: "p", number: "1" };
  const log = { error: () => undefined };
  const identities = openPrincipals({ tokens, store, project, region: "us-central1", now, log });
  const endpoints = oauthEndpoints({ tokens, identities, store, now });
  // The host that is meant travels as the first segment of the path.
  server = createServer((request, response) => {
    const [, host, path] = /^\/([^/]+)(\/.*)$/.exec(request.url!)!;
    request.url = path;
    endpoints.http(host!, { request, response, mustContinue: false }).then(
      (answered) => void (answered ?? response.writeHead(404).end()),
      (error: unknown) => response.writeHead(error instanceof ApiError ? error.http : 500).end(),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await store.close();
  rmSync(folder, { recursive: true });
});

async function ask(url: string, form?: Record<string, string>, headers: Record<string, string> = {}) {
  const { port } = server.address() as AddressInfo;
  const target = url.replace("https://", `http://127.0.0.1:${port}/`);
  const answer = await fetch(target, form ? { method: "POST", body: new URLSearchParams(form), headers } : { headers });
  const text = await answer.text();
  return { status: answer.status, body: (text ? JSON.parse(text) : {}) as JsonObject };
}
const refresh = (more: Record<string, string> = {}) =>
  ask(TOKEN, {
    ...{ grant_type: "refresh_token", client_id: tokens.client.id, client_secret: tokens.client.secret },
    ...{ refresh_token: tokens.refresh(OPERATOR), ...more },
  });
const seconds = () => Math.floor(Date.now() / 1000);
const assert = (claims: object, options: jwt.SignOptions = {}) => {
  const whole = { iss: EMAIL, aud: TOKEN, scope: SCOPE, iat: seconds(), exp: seconds() + 3600, ...claims };
  const assertion = jwt.sign(JSON.parse(JSON.stringify(whole)) as object, key.privateKey, {
    algorithm: "RS256",
    ...options,
  });
  return ask(TOKEN, { grant_type: JWT_BEARER, assertion });
};

describe("refresh tokens", () => {
  it("are exchanged for an access token and an identity token of the operator", async () => {
    const { status, body } = await refresh();
    expect([status, body]).toEqual([200, expect.objectContaining({ token_type: "Bearer", expires_in: 3599 })]);
    expect(tokens.readAccess(body.access_token as string).principal).toEqual(OPERATOR);
    expect(tokens.readIdentity(body.id_token as string)).toMatchObject({
      aud: tokens.client.id,
      email: OPERATOR.email,
    });
  });

  it.each([
    ["an unknown client", { client_id: "other" }, 401, "invalid_client"],
    ["a wrong client secret", { client_secret: "x" }, 401, "invalid_client"],
    ["a token that is none", { refresh_token: "1//x" }, 400, "invalid_grant"],
    ["another grant", { grant_type: "password" }, 400, "unsupported_grant_type"],
  ])("are refused with %s", async (_, form, status, error) => {
    expect(await refresh(form as Record<string, string>)).toMatchObject({ status, body: { error } });
  });

  it("cannot be used as access tokens, nor the other way round", async () => {
    expect((await refresh({ refresh_token: `1//${tokens.access(OPERATOR, 60, []).slice(5)}` })).body.error).toBe(
      "invalid_grant",
    );
    expect(() => tokens.readAccess(`ya29.${tokens.refresh(OPERATOR).slice(3)}`)).toThrow("invalid token");
  });
});

describe("assertions", () => {
  it.each([
    ["that name their key", { keyid: "k1" }],
    ["that name none", {}],
  ])("are exchanged %s", async (_, options) => {
    const { body } = await assert({}, options);
    expect(tokens.readAccess(body.access_token as string)).toMatchObject({
      principal: { email: EMAIL, via: "serviceAccountKey" },
      scopes: [SCOPE],
    });
  });

  it("are exchanged for an identity token", async () => {
    const { body } = await assert({ scope: undefined, target_audience: "https://a.run.app" });
    expect(tokens.readIdentity(body.id_token as string)).toMatchObject({
      aud: "https://a.run.app",
      sub: "123",
      email: EMAIL,
    });
  });

  it.each([
    ["of an unknown account", { iss: "x@y.z" }, {}, /account not found/],
    ["by an unknown key", {}, { keyid: "k2" }, /Invalid JWT Signature/],
    ["that expired", { iat: seconds() - 7000, exp: seconds() - 3500 }, {}, /short-lived/],
    ["that live longer than an hour", { exp: seconds() + 3700 }, {}, /short-lived/],
    ["of the future", { iat: seconds() + 3600, exp: seconds() + 7000 }, {}, /short-lived/],
    ["without an end", { exp: undefined }, {}, /iat and exp are required/],
    ["for another audience", { aud: "https://storage.googleapis.com/" }, {}, /audience/],
    ["for another subject", { sub: "someone@example.com" }, {}, /unauthorized/],
    ["without a scope", { scope: "" }, {}, /scope/],
  ])("are refused %s", async (_, claims, options, message) => {
    const { status, body } = await assert(claims, options);
    expect([status, body.error_description]).toEqual([400, expect.stringMatching(message)]);
  });

  it("are refused when they are no JWT, or unsigned", async () => {
    for (const assertion of ["x", jwt.sign({ iss: EMAIL, aud: TOKEN }, "", { algorithm: "none" })]) {
      expect((await ask(TOKEN, { grant_type: JWT_BEARER, assertion })).body.error).toBe("invalid_grant");
    }
  });
});

describe("what is published", () => {
  it("verifies identity tokens, as keys and as certificates", async () => {
    const v1 = (await ask("https://www.googleapis.com/oauth2/v1/certs")).body;
    const [[id, pem]] = Object.entries(v1) as [[string, string]];
    const token = tokens.identity({ sub: "1", aud: "a" });
    expect(jwt.verify(token, new X509Certificate(pem).publicKey, { complete: true }).header.kid).toBe(id);
    const v3 = (await ask("https://www.googleapis.com/oauth2/v3/certs")).body;
    expect(v3).toMatchObject({ keys: [{ kid: id, kty: "RSA", alg: "RS256" }] });
    expect(JSON.stringify(v3)).not.toContain('"d"');
  });

  it("has the keys of each account, and of no other", async () => {
    const jwks = await ask(`https://www.googleapis.com/service_accounts/v1/jwk/${EMAIL}`);
    expect((jwks.body.keys as JsonObject[]).map(({ kid }) => kid)).toEqual([tokens.published.keyId, "k1"]);
    const x509 = await ask(`https://www.googleapis.com/robot/v1/metadata/x509/${encodeURIComponent(EMAIL)}`);
    expect(x509.body).toMatchObject({ k1: "PEM" });
    expect((await ask("https://www.googleapis.com/service_accounts/v1/jwk/x@y.z")).status).toBe(404);
  });

  it("leaves other paths of the same hosts to the API", async () => {
    expect((await ask("https://www.googleapis.com/storage/v1/b")).status).toBe(404);
    expect((await ask("https://oauth2.googleapis.com/token")).status).toBe(404);
  });

  it("says what a token is, and refuses a token that is none", async () => {
    const access_token = tokens.access(OPERATOR, 60, ["a", "b"]);
    const info = await ask(`https://oauth2.googleapis.com/tokeninfo?access_token=${access_token}`);
    expect(info.body).toMatchObject({
      email: OPERATOR.email,
      scope: "a b",
      expires_in: expect.stringMatching(/^(59|60)$/),
    });
    const identity = await ask(
      `https://oauth2.googleapis.com/tokeninfo?id_token=${tokens.identity({ sub: "1", aud: "a" })}`,
    );
    expect(identity.body).toMatchObject({ sub: "1", aud: "a" });
    expect((await ask("https://oauth2.googleapis.com/tokeninfo?access_token=x")).body.error).toBe("invalid_token");
    expect((await ask("https://openidconnect.googleapis.com/v1/userinfo")).status).toBe(401);
  });
});
