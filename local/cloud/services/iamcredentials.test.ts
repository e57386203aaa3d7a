/** Short-lived credentials of service accounts: who gets them, how long they last, what is refused. */
import { createPublicKey, createVerify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import jwt from "jsonwebtoken";
import { OPERATOR } from "../door/principals";
import type { JsonObject, Principal } from "../service";
import { testCloud, type TestCloud } from "../testing";
import { iam } from "./iam";
import { iamcredentials } from "./iamcredentials";

const account = (id: string) => `${id}@sparklab-local.iam.gserviceaccount.com`;
const TARGET = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account("target")}`;
const SCOPES = ["https://www.googleapis.com/auth/cloud-platform"];

let lab: TestCloud;
let uniqueId: string;

/** operator -> middle -> target; nobody else has anything. */
beforeAll(async () => {
  lab = await testCloud({ services: [iam, iamcredentials] });
  for (const accountId of ["target", "middle", "outsider"]) {
    const made = (await lab.rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", {
      accountId,
    })) as JsonObject;
    if (accountId === "target") uniqueId = made.uniqueId as string;
  }
  await grant("middle", `user:${OPERATOR.email}`, "roles/iam.serviceAccountTokenCreator");
  await grant("target", `serviceAccount:${account("middle")}`, "roles/iam.serviceAccountTokenCreator");
});
afterAll(() => lab.close());

const grant = (id: string, member: string, role: string) =>
  lab.rest(`POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts/${account(id)}:setIamPolicy`, {
    policy: { bindings: [{ role, members: [member] }] },
  });
const as = (id: string): Principal => ({ kind: "serviceAccount", email: account(id), via: "metadataServer" });
const ask = async (verb: string, body: JsonObject, caller: Principal = as("middle"), target = TARGET) =>
  (await lab.rest(`POST ${target}:${verb}`, body, caller)) as JsonObject;

describe("generateAccessToken", () => {
  it("gives a token of the account, for the time asked for", async () => {
    const { accessToken, expireTime } = await ask("generateAccessToken", { scope: SCOPES, lifetime: "600s" });
    const principal = await lab.cloud.principals.resolve(`Bearer ${accessToken as string}`);
    expect(principal).toEqual({ kind: "serviceAccount", email: account("target"), via: "impersonation" });
    const seconds = (Date.parse(expireTime as string) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(590);
    expect(seconds).toBeLessThanOrEqual(600);
  });

  it("knows the account by its number too", async () => {
    const byNumber = TARGET.replace(account("target"), uniqueId);
    expect(await ask("generateAccessToken", { scope: SCOPES }, as("middle"), byNumber)).toHaveProperty("accessToken");
  });

  it("goes by delegates, each of whom must be allowed by the one before", async () => {
    const by = (...ids: string[]) => ({
      scope: SCOPES,
      delegates: ids.map((id) => `projects/-/serviceAccounts/${account(id)}`),
    });
    expect(await ask("generateAccessToken", by("middle"), OPERATOR)).toHaveProperty("accessToken");
    for (const delegates of [by(), by("outsider"), by("middle", "outsider")]) {
      const refusal = await lab.refusal(`POST ${TARGET}:generateAccessToken`, delegates, OPERATOR);
      expect(refusal.status).toBe("PERMISSION_DENIED");
    }
  });

  it.each([
    [
      "an outsider",
      { scope: SCOPES },
      TARGET,
      "PERMISSION_DENIED",
      /iam.serviceAccounts.getAccessToken.*may not exist/,
    ],
    [
      "an account that is not there",
      { scope: SCOPES },
      TARGET.replace("target@", "nobody@"),
      "PERMISSION_DENIED",
      /may not exist/,
    ],
    [
      "a longer life than an hour",
      { scope: SCOPES, lifetime: "3601s" },
      TARGET,
      "INVALID_ARGUMENT",
      /lifetime: got "3601s"/,
    ],
    ["no life at all", { scope: SCOPES, lifetime: "0s" }, TARGET, "INVALID_ARGUMENT", /lifetime: got "0s"/],
    ["no scope", {}, TARGET, "INVALID_ARGUMENT", /scope: got none/],
    [
      "a delegate in another form",
      { scope: SCOPES, delegates: ["x@y.z"] },
      TARGET,
      "INVALID_ARGUMENT",
      /delegates: got "x@y.z"/,
    ],
  ])("refuses %s", async (_, body, target, status, message) => {
    const refusal = await lab.refusal(`POST ${target}:generateAccessToken`, body, as("outsider"));
    expect(refusal.status).toBe(status);
    expect(refusal.message).toMatch(message);
  });

  it("stops at once when the account is disabled", async () => {
    const { accessToken } = await ask("generateAccessToken", { scope: SCOPES });
    const target = `https://iam.googleapis.com/v1/projects/-/serviceAccounts/${account("target")}`;
    await lab.rest(`POST ${target}:disable`, {});
    await expect(lab.cloud.principals.resolve(`Bearer ${accessToken as string}`)).rejects.toMatchObject({ http: 401 });
    expect((await lab.refusal(`POST ${TARGET}:generateAccessToken`, { scope: SCOPES }, as("middle"))).http).toBe(403);
    await lab.rest(`POST ${target}:enable`, {});
  });
});

describe("other credentials", () => {
  it("gives an identity token for an audience, with the address only when asked", async () => {
    const read = async (body: JsonObject) =>
      jwt.decode((await ask("generateIdToken", body)).token as string) as jwt.JwtPayload;
    const plain = await read({ audience: "https://a.run.app" });
    expect(plain).toMatchObject({
      iss: "https://accounts.google.com",
      aud: "https://a.run.app",
      sub: uniqueId,
      azp: uniqueId,
    });
    expect(plain).not.toHaveProperty("email");
    const full = await read({ audience: "https://a.run.app", includeEmail: true, useEmailAzp: true });
    expect(full).toMatchObject({ email: account("target"), email_verified: true, azp: account("target") });
    expect((await lab.refusal(`POST ${TARGET}:generateIdToken`, {}, as("middle"))).message).toMatch(
      /audience: got none/,
    );
  });

  it("signs bytes and JWTs with the published key", async () => {
    const publicKey = publishedKey();
    const { signedBlob } = await ask("signBlob", { payload: Buffer.from("text").toString("base64") });
    expect(
      createVerify("RSA-SHA256")
        .update("text")
        .verify(publicKey, signedBlob as string, "base64"),
    ).toBe(true);
    const payload = JSON.stringify({ iss: account("target"), exp: Math.floor(Date.now() / 1000) + 60 });
    const { signedJwt, keyId } = await ask("signJwt", { payload });
    const { header, payload: claims } = jwt.verify(signedJwt as string, publicKey, {
      complete: true,
      algorithms: ["RS256"],
    });
    expect([header.kid, claims]).toEqual([keyId, expect.objectContaining({ iss: account("target") })]);
  });

  it.each([
    ["not JSON", "x", /payload: not JSON/],
    ["too long a life", JSON.stringify({ exp: Math.floor(Date.now() / 1000) + 13 * 3600 }), /payload.exp: got/],
  ])("refuses to sign a JWT that is %s", async (_, payload, message) => {
    expect((await lab.refusal(`POST ${TARGET}:signJwt`, { payload }, as("middle"))).message).toMatch(message);
  });

  it("says that an account is bound to no place", async () => {
    expect(await lab.rest(`GET ${TARGET}/allowedLocations`)).toEqual({ encodedLocations: "0x0" });
    expect((await lab.refusal(`GET ${TARGET.replace("target@", "nobody@")}/allowedLocations`)).http).toBe(404);
  });
});

/** Public half of the cloud's signing key. */
const publishedKey = () => createPublicKey(readFileSync(join(lab.cloud.folder, "signing-key.pem")));
