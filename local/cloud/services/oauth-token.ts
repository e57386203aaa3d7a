/** OAuth's token endpoint: access tokens for refresh tokens and for signed assertions, and what a token says. */
import { textOf } from "../json";
import { AssertionError, type Identities } from "../door/principals";
import { CLOUD_PLATFORM, isAccessToken, TokenError, type Tokens } from "../door/tokens";
import type { Store } from "../cloud";
import type { Visit } from "../door/front-door-request";
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

/** Host and path of the endpoint, under its present and its older names; also the audience of assertions. */
export const TOKEN_ENDPOINT =
  /^(oauth2\.googleapis\.com\/token|www\.googleapis\.com\/oauth2\/v[34]\/token|accounts\.google\.com\/o\/oauth2\/(v2\/)?token)$/;

export interface Exchange {
  visit: Visit;
  host: string;
  path: string;
  /** Query and form parameters together. */
  parameters: URLSearchParams;
}
export type Answer = { body: JsonObject; status?: number; principal?: Principal };
export type Endpoint = (exchange: Exchange, deps: OAuthDeps) => Promise<Answer>;

export async function token({ parameters }: Exchange, deps: OAuthDeps): Promise<Answer> {
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
    if (!audiences.some((audience) => TOKEN_ENDPOINT.test(audience.replace(/^https:\/\//, "")))) {
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

export async function tokenInfo(
  { visit, parameters }: Exchange,
  { tokens, identities, now }: OAuthDeps,
): Promise<Answer> {
  const bearer = /^Bearer +(\S+)$/i.exec(visit.request.headers.authorization ?? "")?.[1];
  const access = parameters.get("access_token") ?? (parameters.has("id_token") ? null : bearer);
  try {
    if (!access) {
      const claims = tokens.readIdentity(parameters.get("id_token") ?? "");
      return { body: Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, textOf(value)])) };
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

/** Errors of the token endpoint have OAuth's own form. */
const refused = (error: string, description: string, status = 400): Answer => ({
  status,
  body: { error, error_description: description },
});
