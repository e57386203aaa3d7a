/** Service accounts and their keys, asked as the official gcp provider and Google's clients ask. */
import { createPublicKey, createSign, createVerify } from "node:crypto";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { textOf } from "../json";
import type { JsonObject } from "../service";
import { FoundationLab, P, PROVIDER } from "./foundation-testing";

const lab = new FoundationLab();
const { rest } = lab;

describe("serviceaccount.Account", () => {
  const collection = `https://iam.googleapis.com/v1/${P}/serviceAccounts`;
  const email = "spark-worker@sparklab-local.iam.gserviceaccount.com";

  test("is created with email, number and project, and read again", async () => {
    const made = await rest(`POST ${collection}?${PROVIDER}`, {
      accountId: "spark-worker",
      serviceAccount: { displayName: "Spark worker" },
    });
    expect(made).toMatchObject({
      name: `${P}/serviceAccounts/${email}`,
      ...{
        email,
        projectId: "sparklab-local",
        displayName: "Spark worker",
        uniqueId: expect.stringMatching(/^1\d{20}$/),
      },
    });
    expect(await rest(`GET ${collection}/${encodeURIComponent(email)}?${PROVIDER}`)).toEqual(made);
    expect(await rest(`GET https://iam.googleapis.com/v1/projects/-/serviceAccounts/${textOf(made.uniqueId)}`)).toEqual(
      made,
    );
  });
  test("is changed by a mask in the body, in snake case", async () => {
    const { etag } = await rest(`GET ${collection}/${email}`);
    const changed = await rest(`PATCH ${collection}/${email}?${PROVIDER}`, {
      serviceAccount: { displayName: "new", etag: etag! },
      updateMask: "display_name",
    });
    expect(changed).toMatchObject({ displayName: "new", email });
  });
  test("refuses an id that is too short, and one that is in use in Google's words", async () => {
    expect((await lab.refusal(`POST ${collection}`, { accountId: "abc" })).status).toBe("INVALID_ARGUMENT");
    const { message, http } = await lab.refusal(`POST ${collection}`, { accountId: "spark-worker" });
    expect([http, message]).toEqual([409, `Service account spark-worker already exists within project ${P}.`]);
  });

  describe("serviceaccount.IAMMember", () => {
    const member = "serviceAccount:launcher@sparklab-local.iam.gserviceaccount.com";
    const get = `POST ${collection}/${email}:getIamPolicy?alt=json&options.requestedPolicyVersion=3&prettyPrint=false`;
    const set = `POST ${collection}/${email}:setIamPolicy?${PROVIDER}`;
    beforeAll(() => rest(`POST ${collection}`, { accountId: "launcher" }));

    test("is set under the etag just read and read back", async () => {
      const before = await rest(get);
      expect(before).toEqual({ etag: "ACAB" });
      const bindings = [{ members: [member], role: "roles/iam.serviceAccountUser" }];
      await rest(set, { policy: { bindings, etag: before.etag!, version: 3 } });
      expect(await rest(get)).toMatchObject({ bindings });
      const stale = await lab.refusal(set, { policy: { bindings, etag: before.etag!, version: 3 } });
      expect([stale.http, stale.status]).toEqual([409, "ABORTED"]);
    });
    test("the last member leaves as a policy without bindings", async () => {
      const { etag } = await rest(get);
      await rest(set, { policy: { etag: etag!, version: 3 } });
      expect(await rest(get)).not.toHaveProperty("bindings");
    });
  });

  test("a deleted account is gone, its bindings carry its number, and it comes back by that number", async () => {
    const policy = `https://cloudresourcemanager.googleapis.com/v1/${P}`;
    const account = await rest(`POST ${collection}`, { accountId: "short-lived" });
    const before = await rest(`POST ${policy}:getIamPolicy`, {});
    const bindings = [
      ...(before.bindings as JsonObject[]),
      { role: "roles/dataproc.worker", members: [`serviceAccount:${textOf(account.email)}`] },
    ];
    await rest(`POST ${policy}:setIamPolicy`, { policy: { ...before, bindings } });
    await rest(`DELETE ${collection}/${textOf(account.email)}`);
    expect((await lab.refusal(`GET ${collection}/${textOf(account.email)}`)).http).toBe(404);
    const dead = `deleted:serviceAccount:${textOf(account.email)}?uid=${textOf(account.uniqueId)}`;
    expect((await rest(`POST ${policy}:getIamPolicy`, {})).bindings).toContainEqual({
      role: "roles/dataproc.worker",
      members: [dead],
    });
    const { restoredAccount } = await rest(`POST ${collection}/${textOf(account.uniqueId)}:undelete`, {});
    expect(restoredAccount).toEqual(account);
    expect(JSON.stringify(await rest(`POST ${policy}:getIamPolicy`, {}))).not.toContain("deleted:");
  });
  test("disable and enable show in the account", async () => {
    await rest(`POST ${collection}/${email}:disable`, {});
    expect(await rest(`GET ${collection}/${email}`)).toMatchObject({ disabled: true });
    await rest(`POST ${collection}/${email}:enable`, {});
    expect(await rest(`GET ${collection}/${email}`)).not.toHaveProperty("disabled");
  });

  describe("keys", () => {
    test("the private key leaves once and matches the stored public key", async () => {
      const made = await rest(`POST ${collection}/${email}/keys`, {});
      const file = JSON.parse(Buffer.from(textOf(made.privateKeyData), "base64").toString()) as Record<string, string>;
      expect(file).toMatchObject({ type: "service_account", client_email: email, project_id: "sparklab-local" });
      const record = await lab.cloud.store.get(`iam/keys/${email}/${file.private_key_id}`);
      expect(JSON.stringify(record)).not.toContain("PRIVATE KEY");
      const signature = createSign("sha256").update("text").sign(file.private_key!);
      const verifies = createVerify("sha256")
        .update("text")
        .verify(createPublicKey(textOf(record?.publicKeyPem)), signature);
      expect(verifies).toBe(true);
      const read = await rest(
        `GET https://iam.googleapis.com/v1/${textOf(made.name)}?publicKeyType=TYPE_X509_PEM_FILE`,
      );
      expect(Buffer.from(textOf(read.publicKeyData), "base64").toString()).toContain("BEGIN CERTIFICATE");
      expect(read).not.toHaveProperty("privateKeyData");
      const { keys } = await rest(`GET ${collection}/${email}/keys?keyTypes=USER_MANAGED`);
      expect(keys).toHaveLength(1);
    });
    test("a key of a format that is not made is refused by name", async () => {
      const { status, message } = await lab.refusal(`POST ${collection}/${email}/keys`, {
        privateKeyType: "TYPE_PKCS12_FILE",
      });
      expect(status).toBe("UNIMPLEMENTED");
      expect(message).toContain("TYPE_PKCS12_FILE");
    });
  });
});
