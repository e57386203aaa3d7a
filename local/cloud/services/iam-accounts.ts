/** Service accounts: emails and numbers given by the server, wildcard names, disable and enable, delete and undelete. */
import { createHash } from "node:crypto";
import type { Cloud } from "../cloud";
import { etagOf } from "../engine/resource";
import { ApiError } from "../errors";
import { textOf } from "../json";
import type { Behaviour, Call, Json, JsonObject, ResourceType } from "../service";

const emailOf = (accountId: string, cloud: Cloud) => `${accountId}@${cloud.project.id}.iam.gserviceaccount.com`;
export const accountName = (email: string, cloud: Cloud) => `projects/${cloud.project.id}/serviceAccounts/${email}`;
const deletedKey = (uniqueId: string) => `iam/deleted-accounts/${uniqueId}`;

export const accountType: ResourceType = {
  collection: "iam.projects.serviceAccounts",
  schema: "ServiceAccount",
  listField: "accounts",
  name: "projects/{project}/serviceAccounts/{email}",
  id: { body: "accountId" },
  idPattern: /^(?=.{6,30}$)[a-z]([-a-z0-9]*[a-z0-9])$/,
  segment: emailOf,
  alias: storedAccountName,
  messages: {
    missing: (name) => `Unknown service account: ${name}`,
    exists: (name) => {
      const [, project, , email = ""] = name.split("/");
      return `Service account ${email.split("@")[0]} already exists within project projects/${project}.`;
    },
  },
  serverSet: {
    email: ({ resource }) => emailIn(resource),
    projectId: ({ cloud }) => cloud.project.id,
    uniqueId: ({ resource, now }) => numberOf(`${emailIn(resource)} ${now}`),
    oauth2ClientId: ({ resource, now }) => numberOf(`${emailIn(resource)} ${now}`),
  },
  policy: true,
  before: { delete: forget },
  source: "https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts",
};

export const accountMethods: Record<string, Behaviour> = {
  "iam.projects.serviceAccounts.disable": (call, cloud) => setDisabled(call, cloud, true),
  "iam.projects.serviceAccounts.enable": (call, cloud) => setDisabled(call, cloud, false),
  "iam.projects.serviceAccounts.undelete": undelete,
};

const emailIn = (resource: JsonObject) => textOf(resource.name).split("/").at(-1) ?? "";

/** 21 digits as Google's; a new account with an old email gets a new number, because the time of its birth is in it. */
function numberOf(text: string): string {
  const digest = BigInt(`0x${createHash("sha256").update(text).digest("hex")}`);
  return `1${(digest % 10n ** 20n).toString().padStart(20, "0")}`;
}

/** An account may be named by its unique id, and its project by `-`. */
async function storedAccountName(name: string, cloud: Cloud): Promise<string> {
  const id = name.split("/").at(-1) ?? "";
  if (!/^\d+$/.test(id)) return accountName(id, cloud);
  const accounts = await cloud.store.list(accountName("", cloud));
  return accounts.find(({ value }) => value.uniqueId === id)?.key ?? name;
}

export async function readAccount(call: Call, cloud: Cloud): Promise<JsonObject> {
  const name = await storedAccountName(call.path.name ?? "", cloud);
  const account = await cloud.store.get(name);
  if (!account) throw new ApiError("NOT_FOUND", `Unknown service account: ${name}`);
  return account;
}

async function setDisabled(call: Call, cloud: Cloud, disabled: boolean): Promise<Json> {
  const name = textOf((await readAccount(call, cloud)).name);
  await cloud.store.exclusive(name, async () => {
    const { disabled: _before, ...account } = await readAccount(call, cloud);
    const next: JsonObject = disabled ? { ...account, disabled } : account;
    next.etag = etagOf(next);
    await cloud.store.write({ put: { [name]: next } });
  });
  return {};
}

/** Keys die with their account; bindings keep the dead account's number, so that a new one with its name gets nothing. */
async function forget({ current, cloud }: { current?: JsonObject; cloud: Cloud }): Promise<void> {
  const account = current!;
  const email = textOf(account.email);
  const keys = await cloud.store.list(`iam/keys/${email}/`);
  await cloud.store.write({
    put: { [deletedKey(textOf(account.uniqueId))]: { account, deletedAt: cloud.now().toISOString() } },
    delete: keys.map(({ key }) => key),
  });
  await cloud.policies.renameMember(`serviceAccount:${email}`, deletedMember(account));
}

const deletedMember = (account: JsonObject) =>
  `deleted:serviceAccount:${textOf(account.email)}?uid=${textOf(account.uniqueId)}`;

const UNDELETE_DAYS = 30;

async function undelete(call: Call, cloud: Cloud): Promise<Json> {
  const id = (call.path.name ?? "").split("/").at(-1) ?? "";
  const record = await cloud.store.get(deletedKey(id));
  const age = record ? cloud.now().getTime() - Date.parse(textOf(record.deletedAt)) : Infinity;
  if (!record || age > UNDELETE_DAYS * 24 * 3600 * 1000) {
    throw new ApiError(
      "NOT_FOUND",
      `No service account with unique id ${id} was deleted in the last ${UNDELETE_DAYS} days; undelete takes the unique id, not the email.`,
    );
  }
  const account = record.account as JsonObject;
  const name = textOf(account.name);
  return cloud.store.exclusive(name, async () => {
    if (await cloud.store.get(name))
      throw new ApiError(
        "FAILED_PRECONDITION",
        `A service account with the email ${textOf(account.email)} exists already.`,
      );
    await cloud.store.write({ put: { [name]: account }, delete: [deletedKey(id)] });
    await cloud.policies.renameMember(deletedMember(account), `serviceAccount:${textOf(account.email)}`);
    return { restoredAccount: account };
  });
}
