/**
 * OAuth 2.0 and OpenID Connect as Google's client libraries use them: the token endpoint, token and user information,
 * and the certificates that verify identity tokens. None of this is in Google's API descriptions, so it is answered
 * before the API surface. Source: https://developers.google.com/identity/protocols/oauth2
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createPublicKey } from "node:crypto";
import { ApiError } from "../errors";
import { AssertionError, type Identities } from "../principals";
import { CLOUD_PLATFORM, isAccessToken, TokenError, type Tokens } from "../tokens";
import type { Store } from "../cloud";
import type { OpenEndpoints, Visit } from "../front-door-request";
import type { JsonObject, Principal } from "../service";

export interface OAuthDeps {
  tokens: Tokens;
  identities: Identities;
  store: Store;
  now: () => Date;
}

/** What the operator's refresh token stands for, as `gcloud auth application-default login` asks. */
const OPERATOR_SCOPES = ["openid", "https://www.googleapis.com/auth/userinfo.email", CLOUD_PLATFORM];
/** An access token lasts an hour; Google's answer counts the second in which it was made. */
const ACCESS_SECONDS = 3599;
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
    path: /^(oauth2\.googleapis\.com\/token|www\.googleapis\.com\/oauth2\/v[34]\/token|accounts\.google\.com\/o\/oauth2\/(v2\/)?token)$/,
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

interface Exchange {
  visit: Visit;
  host: string;
  path: string;
  /** Query and form parameters together. */
  parameters: URLSearchParams;
}
type Answer = { body: JsonObject; status?: number; principal?: Principal };
type Endpoint = (exchange: Exchange, deps: OAuthDeps) => Promise<Answer>;

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

async function token({ parameters }: Exchange, deps: OAuthDeps): Promise<Answer> {
  const grant = parameters.get("grant_type");
  if (grant === "refresh_token") return refresh(parameters, deps);
  if (grant === "urn:ietf:params:oauth:grant-type:jwt-bearer") return exchangeAssertion(parameters, deps);
  return refused("unsupported_grant_type", `Invalid grant_type: ${grant ?? ""}`);
}

async function refresh(parameters: URLSearchParams, { tokens, identities }: OAuthDeps): Promise<Answer> {
  const { client } = tokens;
  if (parameters.get("client_id") !== client.id)
    return refused("invalid_client", "The OAuth client was not found.", 401);
  if (parameters.get("client_secret") !== client.secret) return refused("invalid_client", "Unauthorized", 401);
  try {
    const principal = tokens.readRefresh(parameters.get("refresh_token") ?? "");
    const id_token = await identities.identityToken(principal, client.id);
    return granted(identities, principal, OPERATOR_SCOPES, { id_token });
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return refused("invalid_grant", "Bad Request");
  }
}

async function exchangeAssertion(parameters: URLSearchParams, { identities }: OAuthDeps): Promise<Answer> {
  try {
    const { account, claims } = await identities.assertion(parameters.get("assertion") ?? "");
    const audiences = [claims.aud ?? []].flat();
    if (!audiences.some((audience) => ROUTES[0]!.path.test(audience.replace(/^https:\/\//, "")))) {
      throw new AssertionError("Invalid JWT: audience is not the token endpoint");
    }
    const principal: Principal = { kind: "serviceAccount", email: account.email, via: "serviceAccountKey" };
    if (typeof claims.target_audience === "string") {
      return { body: { id_token: await identities.identityToken(principal, claims.target_audience) }, principal };
    }
    const scopes = String(claims.scope ?? "")
      .split(" ")
      .filter(Boolean);
    if (scopes.length === 0) return refused("invalid_scope", "Empty or missing scope not allowed.");
    return granted(identities, principal, scopes);
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    return refused("invalid_grant", error.message);
  }
}

function granted(
  identities: Identities,
  principal: Principal,
  scopes: readonly string[],
  more: JsonObject = {},
): Answer {
  const { token: access_token, expiresIn } = identities.accessToken(principal, ACCESS_SECONDS, scopes);
  const body = { access_token, expires_in: expiresIn, scope: scopes.join(" "), token_type: "Bearer", ...more };
  return { body, principal };
}

async function tokenInfo({ visit, parameters }: Exchange, { tokens, identities, now }: OAuthDeps): Promise<Answer> {
  const bearer = /^Bearer +(\S+)$/i.exec(visit.request.headers.authorization ?? "")?.[1];
  const access = parameters.get("access_token") ?? (parameters.has("id_token") ? null : bearer);
  try {
    if (!access) {
      const claims = tokens.readIdentity(parameters.get("id_token") ?? "");
      return { body: Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, String(value)])) };
    }
    if (!isAccessToken(access)) throw new TokenError("invalid");
    const { principal, scopes, expiresAt } = tokens.readAccess(access);
    const sub = await identities.subject(principal);
    const expiresIn = expiresAt - Math.floor(now().getTime() / 1000);
    return {
      principal,
      body: {
        ...{ azp: sub, aud: sub, sub, scope: scopes.join(" "), exp: String(expiresAt), expires_in: String(expiresIn) },
        ...{ email: principal.email, email_verified: "true", access_type: "online" },
      },
    };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return refused("invalid_token", "Invalid Value");
  }
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
    const jwk = createPublicKey(String(value.publicKeyPem)).export({ format: "jwk" }) as JsonObject;
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

/** Errors of the token endpoint have OAuth's own form. */
const refused = (error: string, description: string, status = 400): Answer => ({
  status,
  body: { error, error_description: description },
});

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
