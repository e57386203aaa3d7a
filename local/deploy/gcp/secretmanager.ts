/** Secrets, their versions, and who may read them. */
import { isObject, type Properties, text } from "../values";
import type { Context, Descriptor, Inputs } from "./descriptor";
import { listAll } from "./http";
import { namedMember } from "./member";
import type { Shape } from "./shape";
import { standard } from "./standard";

const API = "https://secretmanager.googleapis.com/v1";
const PROJECT: Shape = { project: { type: "string", rest: false, computed: true, replaces: true } };

const secretShape: Shape = {
  ...PROJECT,
  secretId: { type: "string", rest: false, required: true, replaces: true },
  labels: { type: "map" },
  annotations: { type: "map" },
  replication: {
    type: "object",
    required: true,
    replaces: true,
    fields: { auto: { type: "object", rest: "automatic", required: true, fields: {} } },
  },
  expireTime: { type: "string", computed: true },
  ttl: { type: "string" },
  versionDestroyTtl: { type: "string" },
  deletionProtection: { type: "boolean", rest: false, local: true },
};

const secretName = (inputs: Inputs) => `projects/${inputs.project}/secrets/${text(inputs.secretId)}`;
const secret: Descriptor = standard({
  type: "gcp:secretmanager/secret:Secret",
  source: "secretmanager.v1 projects.secrets; google_secret_manager_secret",
  api: API,
  shape: secretShape,
  name: secretName,
  idParameter: "secretId",
  outputs: { name: "name", createTime: "createTime" },
  labelled: true,
  hasDeletionPolicy: true,
  autoName: { property: "secretId", length: 255 },
  refuseDelete: ({ deletionProtection }) =>
    deletionProtection === true ? "deletionProtection is true. Set it to false and run up first." : undefined,
});

const versionShape: Shape = {
  secret: { type: "string", rest: false, required: true, replaces: true },
  secretData: { type: "string", rest: false, required: true, replaces: true },
  isSecretDataBase64: { type: "boolean", rest: false, replaces: true },
  enabled: { type: "boolean", default: true },
};

function dataOf({ secretData, isSecretDataBase64 }: Inputs): string {
  const given = text(secretData);
  return isSecretDataBase64 === true ? given : Buffer.from(given).toString("base64");
}

/** A version that is destroyed is gone; its payload is never asked for again. */
async function readVersion({ http }: Context, name: string): Promise<Properties | undefined> {
  const found = await http.find(`${API}/${name}`);
  return found && found.state !== "DESTROYED" ? { ...found, enabled: found.state === "ENABLED" } : undefined;
}

async function setEnabled(context: Context, name: string, { enabled }: Inputs): Promise<Properties> {
  const verb = enabled === false ? "disable" : "enable";
  await context.http.call({ method: "POST", url: `${API}/${name}:${verb}`, body: {} });
  return (await readVersion(context, name)) ?? {};
}

const version: Descriptor = {
  type: "gcp:secretmanager/secretVersion:SecretVersion",
  source: "secretmanager.v1 projects.secrets.versions; google_secret_manager_secret_version",
  shape: versionShape,
  outputs: {
    name: "name",
    createTime: "createTime",
    destroyTime: "destroyTime",
    version: ({ name }) => text(name).split("/").at(-1)!,
  },
  hasDeletionPolicy: true,
  secrets: ["secretData"],
  id: ({ secret }) => `${text(secret)}/versions`,
  idOf: ({ name }) => text(name),
  made: async ({ http }, inputs) => {
    // What is disabled cannot be looked into.
    if (inputs.enabled === false) return undefined;
    const versions = await listAll(http, `${API}/${text(inputs.secret)}/versions`, "versions", {
      filter: "state:ENABLED",
    });
    const same = async ({ name }: Properties) => {
      const { payload } = await http.call({ method: "GET", url: `${API}/${text(name)}:access` });
      return isObject(payload) && payload.data === dataOf(inputs);
    };
    const isMade = await Promise.all(versions.map(same));
    return versions.filter((_, n) => isMade[n]).map((version) => ({ ...version, enabled: true }));
  },
  create: async (context, inputs) => {
    const url = `${API}/${text(inputs.secret)}:addVersion`;
    const made = await context.http.call({ method: "POST", url, body: { payload: { data: dataOf(inputs) } } });
    return setEnabled(context, text(made.name), inputs);
  },
  read: (context, _inputs, _outputs, id) => readVersion(context, id),
  update: (context, { news, id }) => setEnabled(context, id, news),
  delete: async (context, _inputs, _outputs, _options, id) => {
    if (await readVersion(context, id))
      await context.http.call({ method: "POST", url: `${API}/${id}:destroy`, body: {} });
  },
};

const bare = (id: Inputs[string] | undefined) =>
  text(id ?? "")
    .split("/")
    .at(-1)!;
const member = namedMember({
  type: "gcp:secretmanager/secretIamMember:SecretIamMember",
  source: "secretmanager.v1 secrets.setIamPolicy; google_secret_manager_secret_iam_member",
  api: API,
  reads: "GET",
  shape: {
    ...PROJECT,
    secretId: { type: "string", rest: false, required: true, replaces: true, same: (a, b) => bare(a) === bare(b) },
  },
  name: (inputs) => `projects/${inputs.project}/secrets/${bare(inputs.secretId)}`,
});

export const SECRET_MANAGER: readonly Descriptor[] = [secret, version, member];
