/**
 * Who is calling. Every credential that Google's clients use ends here: access tokens of the operator and of service
 * accounts, JWTs that a service account's key signed, and the assertions that are exchanged for tokens.
 */
import { createHash } from "node:crypto";
import jwt from "jsonwebtoken";
import { ApiError } from "../errors";
import { textOf } from "../json";
import { startMetadataServer } from "./metadata-server";
import { CLOUD_PLATFORM, isAccessToken, TokenError, type Tokens } from "./tokens";
import type { Cloud, Principals, Store } from "../cloud";
import type { JsonObject, Principal } from "../service";

/** The person at this machine: owner of the project, as whoever created a project on Google Cloud. */
export const OPERATOR: Principal = { kind: "user", email: "operator@sparklab.local", via: "accessToken" };

/** Longest life of a JWT signed by a service account's key, and how far clocks may differ, in seconds. */
const ASSERTION_SECONDS = 3600;
const CLOCK_SKEW_SECONDS = 300;

/** A service account of this cloud, as far as credentials are concerned. */
export interface ServiceAccount {
  email: string;
  uniqueId: string;
  disabled: boolean;
}

/** A refused assertion, in the words of Google's token endpoint. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** `Principals` and what the token endpoint needs besides. */
export interface Identities extends Principals {
  /** Account by email or unique id; undefined when there is none. */
  serviceAccount: (emailOrId: string) => Promise<ServiceAccount | undefined>;
  /** Checks a JWT signed by a service account's key; throws AssertionError. */
  assertion: (token: string) => Promise<{ account: ServiceAccount; claims: jwt.JwtPayload }>;
  /** Google's stable number of a principal (`sub` of identity tokens). */
  subject: (principal: Principal) => Promise<string>;
  /** Closes the metadata servers that are still open. */
  close: () => Promise<void>;
}

export interface IdentitiesOptions {
  tokens: Tokens;
  store: Store;
  project: Cloud["project"];
  region: string;
  now: () => Date;
  log: Pick<Cloud["log"], "error">;
}

export function openPrincipals({ tokens, store, project, region, now, log }: IdentitiesOptions): Identities {
  const serviceAccount = (emailOrId: string) => findServiceAccount(store, project.id, emailOrId);
  const assertion = async (token: string) => {
    const seconds = Math.floor(now().getTime() / 1000);
    return verifyAssertion(token, { store, serviceAccount, seconds });
  };
  const subject = async (principal: Principal) =>
    (await serviceAccount(principal.email))?.uniqueId ?? numberOf(principal.email);
  const accessToken: Principals["accessToken"] = (principal, seconds = 3600, scopes = [CLOUD_PLATFORM]) => ({
    token: tokens.access(principal, seconds, scopes),
    expiresIn: seconds,
  });
  const identityToken: Principals["identityToken"] = async (
    principal,
    audience,
    { includeEmail = true, useEmailAzp = false } = {},
  ) => {
    const sub = await subject(principal);
    return tokens.identity({
      ...{ aud: audience, azp: useEmailAzp ? principal.email : sub, sub },
      ...(includeEmail ? { email: principal.email, email_verified: true } : {}),
    });
  };

  const readIdentityToken: Principals["readIdentityToken"] = (token) => {
    try {
      const { email, sub, aud } = tokens.readIdentity(token);
      const kind = textOf(email).endsWith(".gserviceaccount.com") ? "serviceAccount" : "user";
      return { principal: { kind, email: textOf(email ?? sub), via: "accessToken" }, audience: textOf(aud) };
    } catch (error) {
      throw unreadable(error);
    }
  };

  const resolve: Principals["resolve"] = async (authorization, host) => {
    if (!authorization) throw missing();
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (!token) throw refused("ACCESS_TOKEN_TYPE_UNSUPPORTED");
    if (!isAccessToken(token)) return selfSigned(token, host);
    const { principal } = readAccess(token);
    if (principal.kind === "serviceAccount") await requireEnabled(principal.email);
    return principal;
  };
  const readAccess = (token: string) => {
    try {
      return tokens.readAccess(token);
    } catch (error) {
      throw unreadable(error);
    }
  };
  const requireEnabled = async (email: string) => {
    const account = await serviceAccount(email);
    if (!account) throw refused("ACCOUNT_STATE_INVALID", `service account ${email} does not exist`);
    if (account.disabled) throw refused("ACCOUNT_STATE_INVALID", `service account ${email} is disabled`);
  };
  const selfSigned = async (token: string, host: string | undefined): Promise<Principal> => {
    try {
      const { account, claims } = await assertion(token);
      if (!claims.scope && !isAudience(claims.aud, host)) throw new AssertionError("Invalid JWT: audience");
      return { kind: "serviceAccount", email: account.email, via: "serviceAccountKey" };
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      throw refused("ACCESS_TOKEN_TYPE_UNSUPPORTED", error.message);
    }
  };

  const servers = new Set<() => Promise<void>>();
  const metadataServer: Principals["metadataServer"] = async (email, port = 0) => {
    const given = { accessToken, identityToken, serviceAccount };
    const failed = (err: unknown) => log.error({ err, account: email }, "metadata server failed by a bug");
    const server = await startMetadataServer({ email, project, region, port, failed, principals: given });
    const closeOnce = async () => void (servers.delete(closeOnce) && (await server.close()));
    servers.add(closeOnce);
    return { host: server.host, close: closeOnce };
  };
  const close = async () => void (await Promise.all([...servers].map((closeOne) => closeOne())));
  const credentials = { resolve, accessToken, identityToken, readIdentityToken, sign: tokens.sign, metadataServer };
  return { ...credentials, serviceAccount, assertion, subject, close };
}

/** Accounts of Google's own projects, a BigQuery connection's for one: kept by no project, and never disabled. */
const GOOGLES = /@gcp-sa-[a-z-]+\.iam\.gserviceaccount\.com$/;

/** Service accounts are stored by the IAM service under their resource names. */
async function findServiceAccount(
  store: Store,
  project: string,
  emailOrId: string,
): Promise<ServiceAccount | undefined> {
  if (GOOGLES.test(emailOrId)) return { email: emailOrId, uniqueId: numberOf(emailOrId), disabled: false };
  const prefix = `projects/${project}/serviceAccounts/`;
  const found = /^\d+$/.test(emailOrId)
    ? (await store.list(prefix)).find(({ value }) => value.uniqueId === emailOrId)?.value
    : await store.get(prefix + emailOrId);
  if (!found) return undefined;
  return { email: textOf(found.email), uniqueId: textOf(found.uniqueId), disabled: found.disabled === true };
}

async function verifyAssertion(
  token: string,
  { store, serviceAccount, seconds }: { store: Store; serviceAccount: Identities["serviceAccount"]; seconds: number },
): Promise<{ account: ServiceAccount; claims: jwt.JwtPayload }> {
  const decoded = jwt.decode(token, { complete: true });
  if (!decoded || typeof decoded.payload === "string") throw new AssertionError("Invalid JWT: not a signed token");
  const { header, payload } = decoded;
  const account = await serviceAccount(String(payload.iss));
  if (!account) throw new AssertionError("Invalid grant: account not found");
  const keys = await keysOf(store, account.email, header.kid);
  if (!keys.some((key) => isSignedBy(token, textOf(key.publicKeyPem))))
    throw new AssertionError("Invalid JWT Signature.");
  if (account.disabled) throw new AssertionError("Invalid grant: account disabled");
  const { iat, exp } = payload;
  if (typeof iat !== "number" || typeof exp !== "number")
    throw new AssertionError("Invalid JWT: iat and exp are required");
  if (exp <= seconds || exp - iat > ASSERTION_SECONDS || iat > seconds + CLOCK_SKEW_SECONDS) {
    throw new AssertionError(
      "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.",
    );
  }
  if (payload.sub !== undefined && payload.sub !== payload.iss) {
    throw new AssertionError(
      "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.",
    );
  }
  return { account, claims: payload };
}

/** Enabled keys of an account; the one that the token names, or all (some clients sign without naming their key). */
async function keysOf(store: Store, email: string, keyId: string | undefined): Promise<JsonObject[]> {
  const prefix = `iam/keys/${email}/`;
  const named = keyId === undefined ? undefined : await store.get(prefix + keyId);
  const keys = keyId === undefined ? (await store.list(prefix)).map(({ value }) => value) : named ? [named] : [];
  return keys.filter((key) => key.disabled !== true);
}

function isSignedBy(token: string, publicKeyPem: string): boolean {
  try {
    jwt.verify(token, publicKeyPem, { algorithms: ["RS256"], ignoreExpiration: true, ignoreNotBefore: true });
    return true;
  } catch (error) {
    if (error instanceof jwt.JsonWebTokenError) return false;
    throw error;
  }
}

/** A self-signed JWT names the API as `https://<host>/`, by its global host even when a regional one is called. */
function isAudience(audience: unknown, host: string | undefined): boolean {
  if (host === undefined || typeof audience !== "string" || !URL.canParse(audience)) return false;
  const wanted = new URL(audience).host;
  return wanted === host || wanted === host.replace(/^[a-z]+-[a-z]+\d+-/, "");
}

/** Google numbers its accounts with 21 digits; this number is derived, so that it stays the same. */
function numberOf(email: string): string {
  const digest = BigInt(`0x${createHash("sha256").update(email).digest("hex")}`);
  return `1${(digest % 10n ** 20n).toString().padStart(20, "0")}`;
}

const EXPECTED =
  "Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.";
const unauthenticated = (message: string, reason: string, why?: string) =>
  new ApiError(
    "UNAUTHENTICATED",
    `${message} ${EXPECTED}`,
    [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason,
        domain: "googleapis.com",
        ...(why ? { metadata: { cause: why } } : {}),
      },
    ],
    401,
    reason === "CREDENTIALS_MISSING" ? "required" : "authError",
  );
const missing = () => unauthenticated("Request is missing required authentication credential.", "CREDENTIALS_MISSING");
const refused = (reason: string, why?: string) =>
  unauthenticated("Request had invalid authentication credentials.", reason, why);
const unreadable = (error: unknown) =>
  error instanceof TokenError
    ? refused(error.reason === "expired" ? "ACCESS_TOKEN_EXPIRED" : "ACCESS_TOKEN_TYPE_UNSUPPORTED")
    : error;
