/**
 * Service Account Credentials API: short-lived credentials of a service account for callers that were granted
 * roles/iam.serviceAccountTokenCreator on it. Source: https://cloud.google.com/iam/docs/reference/credentials/rest
 */
import { deniedTersely } from "../access/denials";
import { ApiError, invalid } from "../errors";
import { textOf } from "../json";
import type { Cloud } from "../cloud";
import type { Call, Json, Principal, Service } from "../service";

const LIFETIME_SECONDS = 3600;
/** Longest life of what signJwt signs: twelve hours. */
const JWT_SECONDS = 12 * 3600;

export const iamcredentials: Service = {
  apis: ["iamcredentials.v1"],
  types: [],
  unlisted: { "iamcredentials.projects.serviceAccounts.generateIdToken": ["useEmailAzp"] },
  methods: {
    "iamcredentials.projects.serviceAccounts.generateAccessToken": generateAccessToken,
    "iamcredentials.projects.serviceAccounts.generateIdToken": generateIdToken,
    "iamcredentials.projects.serviceAccounts.signBlob": signBlob,
    "iamcredentials.projects.serviceAccounts.signJwt": signJwt,
    "iamcredentials.projects.serviceAccounts.getAllowedLocations": allowedLocations,
  },
};

async function generateAccessToken(call: Call, cloud: Cloud): Promise<Json> {
  const scopes = strings(call, "scope");
  const seconds = lifetime(call.body.lifetime);
  if (scopes.length === 0) throw invalid("scope: got none; expected at least one OAuth scope.");
  const account = await authorize(call, cloud, "iam.serviceAccounts.getAccessToken");
  const { token, expiresIn } = cloud.principals.accessToken(account, seconds, scopes);
  return { accessToken: token, expireTime: timestamp(cloud.now().getTime() + expiresIn * 1000) };
}

async function generateIdToken(call: Call, cloud: Cloud): Promise<Json> {
  const { audience, includeEmail, useEmailAzp } = call.body;
  if (typeof audience !== "string" || audience === "")
    throw invalid("audience: got none; expected the token's audience.");
  const account = await authorize(call, cloud, "iam.serviceAccounts.getOpenIdToken");
  return {
    token: await cloud.principals.identityToken(account, audience, {
      includeEmail: includeEmail === true,
      useEmailAzp: useEmailAzp === true,
    }),
  };
}

async function signBlob(call: Call, cloud: Cloud): Promise<Json> {
  const { payload } = call.body;
  if (typeof payload !== "string" || payload === "") throw invalid("payload: got none; expected bytes in base64.");
  await authorize(call, cloud, "iam.serviceAccounts.signBlob");
  const { keyId, signature } = cloud.principals.sign(Buffer.from(payload, "base64"));
  return { keyId, signedBlob: signature.toString("base64") };
}

async function signJwt(call: Call, cloud: Cloud): Promise<Json> {
  const payload = claimsOf(call.body.payload, cloud);
  await authorize(call, cloud, "iam.serviceAccounts.signJwt");
  const { keyId } = cloud.principals.sign(Buffer.alloc(0));
  const encode = (value: object | string) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const unsigned = `${encode({ alg: "RS256", kid: keyId, typ: "JWT" })}.${encode(payload)}`;
  const { signature } = cloud.principals.sign(Buffer.from(unsigned));
  return { keyId, signedJwt: `${unsigned}.${signature.toString("base64url")}` };
}

/** Google's answer for an account whose use is not bound to places. */
async function allowedLocations(call: Call, cloud: Cloud): Promise<Json> {
  await targetOf(call, cloud);
  return { encodedLocations: "0x0" };
}

/**
 * The account whose credentials are asked for, if the caller may have them: it holds the role on the account, or on the
 * first delegate, that one on the next, and the last on the account.
 */
async function authorize(call: Call, cloud: Cloud, permission: string): Promise<Principal> {
  const delegates = strings(call, "delegates").map((name) => {
    const email = /^projects\/-\/serviceAccounts\/([^/]+)$/.exec(name)?.[1];
    if (!email)
      throw invalid(
        `delegates: got ${JSON.stringify(name)}; expected projects/-/serviceAccounts/<email or unique id>.`,
      );
    return email;
  });
  let holder = call.principal;
  for (const name of [...delegates, emailOf(call)]) {
    const account = await accountOf(name, cloud);
    if (!account || !(await holds(cloud, { holder, permission, account: account.name, method: call.methodId })))
      throw deniedTersely(permission);
    holder = { kind: "serviceAccount", email: account.email, via: "impersonation" };
  }
  return holder;
}

const holds = (cloud: Cloud, ask: { holder: Principal; permission: string; account: string; method: string }) =>
  cloud.access.permits({
    ...{ principal: ask.holder, permission: ask.permission, method: ask.method },
    resource: `//iam.googleapis.com/${ask.account}`,
  });

async function targetOf(call: Call, cloud: Cloud): Promise<void> {
  const email = emailOf(call);
  if (!(await accountOf(email, cloud))) throw new ApiError("NOT_FOUND", `Service account ${email} was not found.`);
}

/** The stored account by email or unique id, unless it is disabled. */
async function accountOf(
  emailOrId: string,
  { store, project }: Cloud,
): Promise<{ name: string; email: string } | undefined> {
  const prefix = `projects/${project.id}/serviceAccounts/`;
  const found = /^\d+$/.test(emailOrId)
    ? (await store.list(prefix)).map(({ value }) => value).find(({ uniqueId }) => uniqueId === emailOrId)
    : await store.get(prefix + emailOrId);
  if (!found || found.disabled === true) return undefined;
  return { name: `${prefix}${textOf(found.email)}`, email: textOf(found.email) };
}

const emailOf = (call: Call) => (call.path.name ?? "").split("/").at(-1) ?? "";

function lifetime(given: Json | undefined): number {
  if (given === undefined || given === "") return LIFETIME_SECONDS;
  const seconds = typeof given === "string" ? Number(/^(\d+(?:\.\d+)?)s$/.exec(given)?.[1]) : NaN;
  if (seconds > 0 && seconds <= LIFETIME_SECONDS) return Math.floor(seconds);
  throw invalid(
    `lifetime: got ${JSON.stringify(given)}; expected a duration of at most ${LIFETIME_SECONDS}s, e.g. "3600s".`,
  );
}

function claimsOf(payload: Json | undefined, cloud: Cloud): string {
  if (typeof payload !== "string") throw invalid("payload: got none; expected a JWT claims set as JSON text.");
  let claims: { exp?: unknown };
  try {
    claims = JSON.parse(payload) as { exp?: unknown };
  } catch (error) {
    throw invalid(`payload: not JSON (${(error as Error).message}); expected a JWT claims set.`);
  }
  const latest = cloud.now().getTime() / 1000 + JWT_SECONDS;
  if (claims.exp !== undefined && !(typeof claims.exp === "number" && claims.exp <= latest)) {
    throw invalid(
      `payload.exp: got ${JSON.stringify(claims.exp)}; expected at most ${Math.floor(latest)} (12 hours from now).`,
    );
  }
  return payload;
}

function strings(call: Call, field: string): string[] {
  const value = call.body[field];
  return Array.isArray(value) ? value.map(String) : [];
}

const timestamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
