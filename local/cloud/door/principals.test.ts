/** Every kind of credential in the hands of google-auth-library, against a cloud behind its door. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { readTools } from "../../engines/tools";
import { clientEnvironment } from "./client-environment";
import type { StartedCloud } from "../main";
import { runNode, startTestCloud } from "../main-testing";
import { OPERATOR } from "./principals";
import { grantOnProject } from "../testing";
import type { JsonObject } from "../service";
import { assertNoViolations } from "../contract/validate";

// Clients are real and machines are busy: a wait in vain ends here, no test depends on the time.
jest.setTimeout(60_000);

const EMAIL = "runner@sparklab-local.iam.gserviceaccount.com";
const IAM = "iam.googleapis.com";

let lab: string;
let started: StartedCloud;
const node = <T>(expression: string, more?: Record<string, string>) =>
  runNode<T>(clientEnvironment(lab), expression, more);

beforeAll(async () => {
  lab = mkdtempSync(join(tmpdir(), "lab-"));
  started = await startTestCloud(lab, process.env.SPARKLAB_DESCRIPTIONS ?? readTools().descriptions);
  const create = { methodId: "iam.projects.serviceAccounts.create", path: { name: "projects/sparklab-local" } };
  await started.cloud.call({ ...create, body: { accountId: "runner" } }, OPERATOR);
  await grantOnProject(started.cloud, "roles/storage.admin", `serviceAccount:${EMAIL}`);
});
afterAll(async () => {
  await started.close();
  assertNoViolations(join(lab, "cloud"));
  rmSync(lab, { recursive: true });
});

describe("google-auth-library", () => {
  it("takes the operator's application default credentials, and says whose token it is", async () => {
    const { user, info } = await node<{ user: JsonObject; info: JsonObject }>(`(async () => {
      const client = await new GoogleAuth({ scopes }).getClient();
      const user = await client.request({ url: "https://openidconnect.googleapis.com/v1/userinfo" });
      const info = await client.getTokenInfo((await client.getAccessToken()).token);
      return { user: user.data, info };
    })()`);
    expect(user).toEqual({
      email: OPERATOR.email,
      email_verified: true,
      sub: expect.stringMatching(/^\d{21}$/),
      id: user.sub,
    });
    expect(info).toMatchObject({
      email: OPERATOR.email,
      scopes: expect.arrayContaining(["https://www.googleapis.com/auth/cloud-platform"]),
    });
  });

  it("takes a service account's key: exchanged, self-signed with scopes and with an audience, and for identity tokens", async () => {
    const file = await createKey();
    const result = await node<JsonObject>(
      `(async () => {
        const whoami = "https://openidconnect.googleapis.com/v1/userinfo";
        const exchanged = await (await new GoogleAuth({ scopes }).getClient()).request({ url: whoami });
        const scoped = new JWT({ ...key, scopes });
        scoped.useJWTAccessWithScope = true;
        scoped.defaultServicePath = "storage.googleapis.com";
        const selfSigned = await scoped.getRequestHeaders("https://openidconnect.googleapis.com/");
        const bound = await new JWT(key).getRequestHeaders("https://openidconnect.googleapis.com/");
        const identity = await new GoogleAuth().getIdTokenClient("https://my-service.run.app");
        const idToken = (await identity.getRequestHeaders()).get("authorization").split(" ")[1];
        const ticket = await new OAuth2Client().verifyIdToken({ idToken, audience: "https://my-service.run.app" });
        const as = async (headers) => (await gaxios.request({ url: whoami, headers })).data.email;
        const elsewhere = await gaxios.request({ url: "https://storage.googleapis.com/storage/v1/b?project=p", headers: bound, validateStatus: () => true });
        return { exchanged: exchanged.data.email, selfSigned: await as(selfSigned), bound: await as(bound), elsewhere: elsewhere.status, identity: ticket.getPayload() };
      })()`,
      { GOOGLE_APPLICATION_CREDENTIALS: file },
    );
    expect(result).toMatchObject({ exchanged: EMAIL, selfSigned: EMAIL, bound: EMAIL, elsewhere: 401 });
    expect(result.identity).toMatchObject({ email: EMAIL, email_verified: true, iss: "https://accounts.google.com" });
  });

  it("is refused with the key of a deleted key, a disabled account, and a foreign key", async () => {
    const file = await createKey();
    const key = JSON.parse(readFileSync(file, "utf8")) as { private_key_id: string };
    const foreign = join(lab, "foreign.json");
    writeFileSync(
      foreign,
      JSON.stringify({
        ...key,
        private_key: readFileSync(join(lab, "cloud", "credentials", "signing-key.pem"), "utf8"),
      }),
    );
    const attempt = (path: string) =>
      node<{ token: string; selfSigned: number }>(
        `(async () => {
          const token = await new GoogleAuth({ scopes }).getAccessToken().then(() => "granted", (error) => JSON.stringify(error.response.data));
          const headers = await new JWT(key).getRequestHeaders("https://storage.googleapis.com/");
          const { status } = await gaxios.request({ url: "https://storage.googleapis.com/storage/v1/b?project=sparklab-local", headers, validateStatus: () => true });
          return { token, selfSigned: status };
        })()`,
        { GOOGLE_APPLICATION_CREDENTIALS: path },
      );
    expect(await attempt(file)).toEqual({ token: "granted", selfSigned: 200 });
    expect(await attempt(foreign)).toEqual({
      token: expect.stringContaining("Invalid JWT Signature."),
      selfSigned: 401,
    });
    await iamCall("disable", `projects/-/serviceAccounts/${EMAIL}`);
    expect(await attempt(file)).toEqual({ token: expect.stringContaining("invalid_grant"), selfSigned: 401 });
    await iamCall("enable", `projects/-/serviceAccounts/${EMAIL}`);
    await iamCall("keys.delete", `projects/-/serviceAccounts/${EMAIL}/keys/${key.private_key_id}`);
    expect(await attempt(file)).toEqual({ token: expect.stringContaining("invalid_grant"), selfSigned: 401 });
  });

  it("impersonates a service account only with the token creator role on it", async () => {
    const attempt = () =>
      node<JsonObject>(`(async () => {
        const sourceClient = await new GoogleAuth({ scopes }).getClient();
        const client = new Impersonated({ sourceClient, targetPrincipal: "${EMAIL}", targetScopes: scopes, lifetime: 600, delegates: [] });
        try {
          const { data } = await client.request({ url: "https://openidconnect.googleapis.com/v1/userinfo" });
          const blob = await client.sign("some text");
          const idToken = await client.fetchIdToken("https://my-service.run.app", { includeEmail: true });
          const ticket = await new OAuth2Client().verifyIdToken({ idToken, audience: "https://my-service.run.app" });
          return { email: data.email, keyId: blob.keyId, identity: ticket.getPayload().email };
        } catch (error) {
          return { refusal: error.message };
        }
      })()`);
    expect(await attempt()).toEqual({ refusal: expect.stringContaining("iam.serviceAccounts.getAccessToken") });
    await iamCall("setIamPolicy", `projects/sparklab-local/serviceAccounts/${EMAIL}`, {
      policy: { bindings: [{ role: "roles/iam.serviceAccountTokenCreator", members: [`user:${OPERATOR.email}`] }] },
    });
    expect(await attempt()).toEqual({ email: EMAIL, keyId: expect.stringMatching(/^[0-9a-f]{40}$/), identity: EMAIL });
  });

  it("takes the metadata server of a workload", async () => {
    const server = await started.cloud.principals.metadataServer(EMAIL);
    const result = await node<JsonObject>(
      `(async () => {
        const auth = new GoogleAuth({ scopes });
        const client = await auth.getClient();
        const { data } = await client.request({ url: "https://openidconnect.googleapis.com/v1/userinfo" });
        return { kind: client.constructor.name, email: data.email, project: await auth.getProjectId() };
      })()`,
      {
        GCE_METADATA_HOST: server.host,
        GOOGLE_APPLICATION_CREDENTIALS: "",
        GOOGLE_CLOUD_PROJECT: "",
        GOOGLE_OAUTH_ACCESS_TOKEN: "",
        HOME: lab,
      },
    );
    expect(result).toEqual({ kind: "Compute", email: EMAIL, project: "sparklab-local" });
    await server.close();
  });
});

function iamCall(verb: string, resource: string, body: JsonObject = {}) {
  const key = verb === "setIamPolicy" ? "resource" : "name";
  return started.cloud.call(
    { methodId: `iam.projects.serviceAccounts.${verb}`, host: IAM, path: { [key]: resource }, body },
    OPERATOR,
  );
}

async function createKey(): Promise<string> {
  const key = (await iamCall("keys.create", `projects/-/serviceAccounts/${EMAIL}`)) as { privateKeyData: string };
  const file = join(lab, "key.json");
  writeFileSync(file, Buffer.from(key.privateKeyData, "base64"), { mode: 0o600 });
  return file;
}
