/** Secret Manager v1: secrets with their versions; names carry the project's number, as Google answers them. */
import { invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Hook, ResourceType, Service } from "../../service";
import { versionMethods, versionsKey } from "./versions";

const check: Hook = ({ next }) => {
  const kinds = isObject(next.replication) ? Object.keys(next.replication) : [];
  if (kinds.length !== 1) throw invalid("Secret.replication: expected one of automatic, user_managed.");
};

const secrets: ResourceType = {
  collection: "secretmanager.projects.secrets",
  schema: "Secret",
  listField: "secrets",
  name: "projects/{project}/secrets/{id}",
  id: { query: "secretId" },
  idPattern: /^[\w-]{1,255}$/,
  required: ["replication"],
  immutable: ["replication"],
  serverSet: {
    name: ({ resource, cloud }) =>
      textOf(resource.name).replace(/^projects\/[^/]+/, `projects/${cloud.project.number}`),
  },
  messages: { missing: (name) => `Secret [${name}] not found.`, exists: (name) => `Secret [${name}] already exists.` },
  policy: true,
  before: {
    create: check,
    // Versions and what they hold go with their secret.
    delete: async ({ current, cloud }) => {
      const versions = await cloud.store.list(versionsKey(textOf(current!.name).split("/").at(-1)!));
      await cloud.store.write({ delete: versions.map(({ key }) => key) });
    },
  },
  source: "https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets",
};

export const secretManager: Service = { apis: ["secretmanager.v1"], types: [secrets], methods: versionMethods };
