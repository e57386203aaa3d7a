/** The metadata server, asked as clients and as browsers would. */
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { startMetadataServer } from "./metadata-server";
import type { Principal } from "../service";

const EMAIL = "spark@p.iam.gserviceaccount.com";
const FLAVOR = { "metadata-flavor": "Google" };
const ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default";

let server: { host: string; close: () => Promise<void> };
let account: { disabled: boolean } | undefined;
let lookUp: () => Promise<typeof account>;
const failures: unknown[] = [];

beforeEach(async () => {
  account = { disabled: false };
  lookUp = async () => account;
  server = await start();
});
afterEach(() => server.close());

const start = (port = 0) =>
  startMetadataServer({
    ...{ email: EMAIL, project: { id: "p", number: "123" }, region: "us-central1", port },
    failed: (error) => failures.push(error),
    principals: {
      serviceAccount: () => lookUp(),
      accessToken: ({ email, via }: Principal, seconds = 0, scopes = []) => ({
        token: [email, via, ...scopes].join(" "),
        expiresIn: seconds,
      }),
      identityToken: async ({ email }, audience, options) => `${email} for ${audience} ${options?.includeEmail}`,
    },
  });
const get = (path: string, headers: Record<string, string> = FLAVOR) =>
  fetch(`http://${server.host}${path}`, { headers, redirect: "manual" });

describe("the metadata server", () => {
  it.each([
    ["/computeMetadata/v1/project/project-id", "p"],
    ["/computeMetadata/v1/project/numeric-project-id", "123"],
    ["/computeMetadata/v1/instance/zone", "projects/123/zones/us-central1-a"],
    ["/computeMetadata/v1/instance/region", "projects/123/regions/us-central1"],
    ["/computeMetadata/v1/universe/universe-domain", "googleapis.com"],
    [`${ACCOUNT}/email`, EMAIL],
    [`${ACCOUNT}/aliases`, "default\n"],
    [`${ACCOUNT}/scopes`, "https://www.googleapis.com/auth/cloud-platform\n"],
    [`/computeMetadata/v1/instance/service-accounts/${EMAIL}/email`, EMAIL],
    ["/computeMetadata/v1/instance/service-accounts/", `default/\n${EMAIL}/\n`],
    [`${ACCOUNT}/`, "aliases\nemail\nidentity\nscopes\ntoken\n"],
    [`${ACCOUNT}/identity?audience=https://a.run.app`, `${EMAIL} for https://a.run.app false`],
    [`${ACCOUNT}/identity?audience=https://a.run.app&format=full`, `${EMAIL} for https://a.run.app true`],
  ])("answers %s as text", async (path, text) => {
    const answer = await get(path);
    expect([answer.status, await answer.text()]).toEqual([200, text]);
    expect(answer.headers.get("content-type")).toBe("application/text");
    expect(answer.headers.get("metadata-flavor")).toBe("Google");
  });

  it("gives a token of the workload's account as JSON, with the scopes asked for", async () => {
    const answer = await get(`${ACCOUNT}/token?scopes=a,b`);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({
      ...{ access_token: `${EMAIL} metadataServer a b`, expires_in: 3600, token_type: "Bearer" },
    });
  });

  it("answers a folder recursively, without what is computed", async () => {
    const accounts = { aliases: ["default"], email: EMAIL, scopes: ["https://www.googleapis.com/auth/cloud-platform"] };
    expect(await (await get(`${ACCOUNT}/?recursive=true`)).json()).toEqual(accounts);
    expect(await (await get("/computeMetadata/v1/?recursive=true&alt=json")).json()).toEqual({
      instance: {
        ...{ id: 123, region: "projects/123/regions/us-central1", zone: "projects/123/zones/us-central1-a" },
        serviceAccounts: { default: accounts, [EMAIL]: accounts },
      },
      project: { numericProjectId: 123, projectId: "p" },
      universe: { universeDomain: "googleapis.com" },
    });
    expect(await (await get("/computeMetadata/v1/project/?recursive=true&alt=text")).text()).toBe(
      "numeric-project-id 123\nproject-id p\n",
    );
  });

  it("shows by its root that a program runs on Google Cloud", async () => {
    const answer = await get("/", {});
    expect([answer.status, await answer.text(), answer.headers.get("metadata-flavor")]).toEqual([
      ...[200, "computeMetadata/\n", "Google"],
    ]);
  });

  it.each([
    ["without the header that a web page cannot send", `${ACCOUNT}/token`, {}, 403],
    ["with a wrong one", `${ACCOUNT}/token`, { "metadata-flavor": "Other" }, 403],
    ["that was forwarded", `${ACCOUNT}/token`, { ...FLAVOR, "x-forwarded-for": "1.2.3.4" }, 403],
    ["for what there is not", "/computeMetadata/v1/instance/attributes/x", FLAVOR, 404],
    ["for a value as a folder", `${ACCOUNT}/email/`, FLAVOR, 404],
    ["for another account", "/computeMetadata/v1/instance/service-accounts/other@x/token", FLAVOR, 404],
    ["for an identity token of nobody", `${ACCOUNT}/identity`, FLAVOR, 400],
    ["that waits for a change", "/computeMetadata/v1/project/project-id?wait_for_change=true", FLAVOR, 501],
    ["for a folder without its slash", ACCOUNT, FLAVOR, 301],
    ["with a broken escape", "/computeMetadata/v1/%zz", FLAVOR, 400],
  ])("refuses a request %s", async (_, path, headers, status) => {
    expect((await get(path, headers as Record<string, string>)).status).toBe(status);
  });

  it("gives no token once the account is disabled or deleted", async () => {
    account = { disabled: true };
    expect((await get(`${ACCOUNT}/token`)).status).toBe(404);
    account = undefined;
    const gone = await get(`${ACCOUNT}/identity?audience=a`);
    expect([gone.status, await gone.text()]).toEqual([404, `The service account ${EMAIL} was not found.\n`]);
  });

  it("keeps to itself what goes wrong inside, and tells the cloud's log", async () => {
    const secret = new Error("secret of the inside");
    lookUp = () => Promise.reject(secret);
    const answer = await get(`${ACCOUNT}/token`);
    expect([answer.status, await answer.text()]).toEqual([500, "Internal error.\n"]);
    expect(failures).toEqual([secret]);
  });

  it("comes back on the port that a workload knows", async () => {
    const port = Number(server.host.split(":")[1]);
    await server.close();
    server = await start(port);
    expect(server.host).toBe(`127.0.0.1:${port}`);
  });
});
