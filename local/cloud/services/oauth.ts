/**
 * OAuth 2.0 and OpenID Connect as Google's client libraries use them: the token endpoint, token and user information,
 * and the certificates that verify identity tokens. None of this is in Google's API descriptions, so it is answered
 * before the API surface. Source: https://developers.google.com/identity/protocols/oauth2
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createPublicKey } from "node:crypto";
import { ApiError } from "../errors";
import { textOf } from "../json";
import {
  token,
  TOKEN_ENDPOINT,
  tokenInfo,
  type Answer,
  type Endpoint,
  type Exchange,
  type OAuthDeps,
} from "./oauth-token";
import type { OpenEndpoints } from "../door/front-door-request";
import type { JsonObject } from "../service";

const LARGEST_BODY = 1024 * 1024;

const HOSTS = new Set([
  "oauth2.googleapis.com",
  "www.googleapis.com",
  "openidconnect.googleapis.com",
  "accounts.google.com",
]);
const ROUTES: readonly { method: string; verbs: string; path: RegExp; run: Endpoint }[] = [
  {
    method: "oauth2.token",
    verbs: "POST",
    path: TOKEN_ENDPOINT,
    run: token,
  },
  {
    method: "oauth2.tokeninfo",
    verbs: "GET POST",
    path: /^(oauth2|www)\.googleapis\.com(\/oauth2\/v[123])?\/tokeninfo$/,
    run: tokenInfo,
  },
  {
    method: "oauth2.userinfo",
    verbs: "GET POST",
    path: /^(openidconnect\.googleapis\.com\/v1|www\.googleapis\.com\/oauth2\/v[123])\/userinfo$/,
    run: userInfo,
  },
  { method: "oauth2.certs", verbs: "GET", path: /^www\.googleapis\.com\/oauth2\/v[123]\/certs$/, run: certificates },
  {
    method: "oauth2.serviceAccountKeys",
    verbs: "GET",
    path: /^www\.googleapis\.com\/(service_accounts\/v1\/(jwk|metadata\/jwk|metadata\/x509)|robot\/v1\/metadata\/x509)\/[^/]+$/,
    run: serviceAccountKeys,
  },
  {
    method: "oauth2.configuration",
    verbs: "GET",
    path: /^accounts\.google\.com\/\.well-known\/openid-configuration$/,
    run: configuration,
  },
];

export function oauthEndpoints(deps: OAuthDeps): OpenEndpoints {
  return {
    serves: (host) => HOSTS.has(host),
    http: async (host, visit) => {
      const url = new URL(visit.request.url ?? "/", `https://${host}`);
      const route = ROUTES.find(
        ({ path, verbs }) => path.test(host + url.pathname) && verbs.includes(visit.request.method!),
      );
      if (!route) return undefined;
      if (visit.mustContinue) visit.response.writeContinue();
      for (const [name, value] of await readForm(visit.request)) url.searchParams.append(name, value);
      const exchange: Exchange = { visit, host, path: url.pathname, parameters: url.searchParams };
      const { body, status = 200, principal } = await route.run(exchange, deps);
      send(visit.response, status, body);
      return { method: route.method, principal };
    },
  };
}

/** `id` is the older name of `sub`; Pulumi's provider reads `email`. */
async function userInfo({ visit, host }: Exchange, { identities }: OAuthDeps): Promise<Answer> {
  const principal = await identities.resolve(visit.request.headers.authorization, host);
  const sub = await identities.subject(principal);
  return { principal, body: { sub, id: sub, email: principal.email, email_verified: true } };
}

/** v1 carries X.509 certificates by key id, the later ones JSON Web Keys. */
async function certificates({ path }: Exchange, { tokens: { published } }: OAuthDeps): Promise<Answer> {
  if (path.includes("/v1/")) return { body: { [published.keyId]: published.certificate } };
  return { body: { keys: [published.jwk] } };
}

/** Public keys of one account: the one that the cloud manages, and its own. */
async function serviceAccountKeys({ path }: Exchange, { tokens, identities, store }: OAuthDeps): Promise<Answer> {
  const email = decodeURIComponent(path.split("/").at(-1)!);
  if (!(await identities.serviceAccount(email)))
    throw new ApiError("NOT_FOUND", `Service account ${email} was not found.`);
  const prefix = `iam/keys/${email}/`;
  const own = (await store.list(prefix)).filter(({ value }) => value.disabled !== true);
  if (path.includes("/x509/")) {
    const certificates = own.map(({ key, value }) => [key.slice(prefix.length), value.certificatePem!] as const);
    return { body: { [tokens.published.keyId]: tokens.published.certificate, ...Object.fromEntries(certificates) } };
  }
  const keys = own.map(({ key, value }) => {
    const jwk = createPublicKey(textOf(value.publicKeyPem)).export({ format: "jwk" }) as JsonObject;
    return { ...jwk, kid: key.slice(prefix.length), alg: "RS256", use: "sig" };
  });
  return { body: { keys: [tokens.published.jwk, ...keys] } };
}

async function configuration(): Promise<Answer> {
  return {
    body: {
      issuer: "https://accounts.google.com",
      token_endpoint: "https://oauth2.googleapis.com/token",
      userinfo_endpoint: "https://openidconnect.googleapis.com/v1/userinfo",
      jwks_uri: "https://www.googleapis.com/oauth2/v3/certs",
      id_token_signing_alg_values_supported: ["RS256"],
    },
  };
}

async function readForm(request: IncomingMessage): Promise<[string, string][]> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY)
      throw new ApiError("INVALID_ARGUMENT", `Request body: got more than ${LARGEST_BODY} bytes.`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString("utf8");
  if (!request.headers["content-type"]?.startsWith("application/json") || body === "")
    return [...new URLSearchParams(body)];
  try {
    return Object.entries(JSON.parse(body) as object).map(([name, value]) => [name, String(value)]);
  } catch (error) {
    throw new ApiError("INVALID_ARGUMENT", `Request body: not JSON (${(error as Error).message}).`);
  }
}

function send(response: ServerResponse, status: number, body: JsonObject): void {
  const bytes = Buffer.from(JSON.stringify(body, null, 2));
  const headers = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  response.end(bytes);
}
