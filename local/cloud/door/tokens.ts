/**
 * The lab's own credentials: access tokens, refresh tokens and identity tokens, all signed, none stored. What proves
 * them lies in `<lab>/cloud/credentials` (0600): a secret for tokens that only this cloud reads, and an RSA key for
 * what others verify by the published certificates (identity tokens, signJwt, signBlob).
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  createSign,
  generateKeyPairSync,
  randomBytes,
} from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import jwt from "jsonwebtoken";
import type { JsonObject, Principal } from "../service";
import { selfSigned } from "./certificates";

export const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";
/** Google's access tokens begin so; clients and secret scanners know the prefix. */
const ACCESS_PREFIX = "ya29.";
const REFRESH_PREFIX = "1//";
/** Google's identity tokens last an hour. */
const IDENTITY_SECONDS = 3600;

/** What an access token says. */
export interface AccessClaims {
  principal: Principal;
  scopes: readonly string[];
  issuedAt: number;
  expiresAt: number;
}

/** Why a token is refused; `expired` is told apart because clients react to it by a refresh. */
export class TokenError extends Error {
  constructor(readonly reason: "invalid" | "expired") {
    super(`${reason} token`);
    this.name = "TokenError";
  }
}

export interface Tokens {
  access: (principal: Principal, seconds: number, scopes: readonly string[]) => string;
  readAccess: (token: string) => AccessClaims;
  refresh: (principal: Principal) => string;
  readRefresh: (token: string) => Principal;
  /** OAuth client that the refresh tokens belong to. */
  client: { id: string; secret: string };
  identity: (claims: JsonObject & { sub: string; aud: string }) => string;
  readIdentity: (token: string) => JsonObject;
  sign: (data: Buffer) => { keyId: string; signature: Buffer };
  /** The public half of the signing key, as verifiers fetch it. */
  published: { keyId: string; jwk: JsonObject; certificate: string };
}

export const isAccessToken = (token: string) => token.startsWith(ACCESS_PREFIX);

/** Reads the lab's secret and signing key, making them the first time. */
export async function openTokens(options: { folder: string; now: () => Date }): Promise<Tokens> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const secret = once(join(options.folder, "lab-secret"), () => randomBytes(32).toString("base64url"));
  // A key as such: a text would be tried as a public key first, in each request.
  const secretKey = createSecretKey(secret, "utf8");
  const pem = once(join(options.folder, "signing-key.pem"), () =>
    generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  );
  const signingKey = createPrivateKey(pem);
  const publicKey = createPublicKey(signingKey);
  const keyId = createHash("sha1")
    .update(publicKey.export({ format: "der", type: "spki" }))
    .digest("hex");
  const seconds = () => Math.floor(options.now().getTime() / 1000);
  const certificate = await selfSigned(pem, "CN=sparklab token signing", options.now());

  const sealed = (typ: "access" | "refresh", body: object) =>
    jwt.sign({ typ, iat: seconds(), ...body }, secretKey, { algorithm: "HS256" });
  const open = (typ: "access" | "refresh", token: string) => {
    const claims = verify(token, secretKey, "HS256", seconds());
    if (claims.typ !== typ) throw new TokenError("invalid");
    return claims;
  };

  return {
    access: ({ email, kind, via }, lifetime, scopes) =>
      ACCESS_PREFIX + sealed("access", { sub: email, kind, via, scope: scopes.join(" "), exp: seconds() + lifetime }),
    readAccess: (token) => {
      const claims = open("access", token.slice(ACCESS_PREFIX.length));
      const scopes = String(claims.scope).split(" ");
      return { principal: principalOf(claims), scopes, issuedAt: Number(claims.iat), expiresAt: Number(claims.exp) };
    },
    refresh: ({ email, kind, via }) => REFRESH_PREFIX + sealed("refresh", { sub: email, kind, via }),
    readRefresh: (token) => principalOf(open("refresh", token.slice(REFRESH_PREFIX.length))),
    client: {
      id: "sparklab.apps.googleusercontent.com",
      secret: createHmac("sha256", secret).update("oauth client").digest("base64url"),
    },
    identity: (claims) =>
      jwt.sign(
        { iss: "https://accounts.google.com", iat: seconds(), exp: seconds() + IDENTITY_SECONDS, ...claims },
        pem,
        {
          algorithm: "RS256",
          keyid: keyId,
        },
      ),
    readIdentity: (token) => verify(token, publicKey, "RS256", seconds()),
    sign: (data) => ({ keyId, signature: createSign("RSA-SHA256").update(data).sign(signingKey) }),
    published: {
      keyId,
      jwk: { ...(publicKey.export({ format: "jwk" }) as JsonObject), kid: keyId, alg: "RS256", use: "sig" },
      certificate,
    },
  };
}

function verify(token: string, key: jwt.Secret | jwt.PublicKey, algorithm: jwt.Algorithm, now: number): jwt.JwtPayload {
  try {
    return jwt.verify(token, key, { algorithms: [algorithm], clockTimestamp: now }) as jwt.JwtPayload;
  } catch (error) {
    throw new TokenError(error instanceof jwt.TokenExpiredError ? "expired" : "invalid");
  }
}

function principalOf(claims: jwt.JwtPayload): Principal {
  return { kind: claims.kind as Principal["kind"], email: String(claims.sub), via: claims.via as Principal["via"] };
}

/**
 * A secret file's text; made with mode 0600 and synced the first time. It appears whole or not at all and is never
 * replaced, so two clouds that start together agree on one.
 */
function once(file: string, make: () => string): string {
  if (!existsSync(file)) {
    const draft = `${file}.${process.pid}`;
    writeFileSync(draft, `${make().trim()}\n`, { mode: 0o600, flush: true });
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(draft);
    }
  }
  return readFileSync(file, "utf8").trim();
}
