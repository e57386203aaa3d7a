/** Roles: custom ones of the project with their seven days between delete and gone, predefined ones to read. */
import type { Cloud } from "../cloud";
import { pageOf } from "../engine/list";
import { checkEtag, etagOf } from "../engine/resource";
import { ApiError } from "../errors";
import { textOf } from "../json";
import type { Behaviour, Call, Json, JsonObject, ResourceType } from "../service";
import { PREDEFINED_ROLES } from "./iam-roles";

export const customRoleType: ResourceType = {
  collection: "iam.projects.roles",
  schema: "Role",
  listField: "roles",
  name: "projects/{project}/roles/{role}",
  id: { body: "roleId" },
  idPattern: /^[a-zA-Z0-9_.]{3,64}$/,
  messages: {
    missing: (name) => `The role named ${name} was not found.`,
    exists: (name) => {
      const [, project, , role] = name.split("/");
      return `A role named ${role} in projects/${project} already exists.`;
    },
  },
  before: { create: checkPermissions, patch: ({ current, next }) => refuseDeleted(current, next) },
  source: "https://cloud.google.com/iam/docs/reference/rest/v1/projects.roles",
};

export const roleMethods: Record<string, Behaviour> = {
  "iam.projects.roles.list": listCustom,
  "iam.projects.roles.delete": deleteRole,
  "iam.projects.roles.undelete": undeleteRole,
  "iam.roles.list": async (call) => listed(predefinedRoles(), call),
  "iam.roles.get": async (call) => getPredefined(call.path.name ?? ""),
};

function checkPermissions({ next }: { next: JsonObject }): void {
  const permissions = (next.includedPermissions ?? []) as string[];
  const malformed = permissions.filter((permission) => !/^[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+$/.test(permission));
  if (malformed.length > 0) throw new ApiError("INVALID_ARGUMENT", `Permission ${malformed.join(", ")} is not valid.`);
}

function refuseDeleted(current: JsonObject | undefined, next: JsonObject): void {
  if (current?.deleted === true)
    throw new ApiError(
      "FAILED_PRECONDITION",
      `You can't update role ${textOf(current.name)} because it is deleted; undelete it first.`,
    );
  checkPermissions({ next });
}

const readRole = async (call: Call, cloud: Cloud): Promise<JsonObject> => {
  const name = call.path.name ?? "";
  const role = await cloud.store.get(name);
  if (!role) throw new ApiError("NOT_FOUND", `The role named ${name} was not found.`);
  return role;
};

/** Deleting marks; the role grants nothing from then on and keeps its id. */
function deleteRole(call: Call, cloud: Cloud): Promise<Json> {
  return changeDeleted(call, cloud, call.query.etag, true);
}

function undeleteRole(call: Call, cloud: Cloud): Promise<Json> {
  return changeDeleted(call, cloud, call.body.etag, false);
}

async function changeDeleted(call: Call, cloud: Cloud, etag: Json | undefined, deleted: boolean): Promise<Json> {
  const name = call.path.name ?? "";
  return cloud.store.exclusive(name, async () => {
    const role = await readRole(call, cloud);
    checkEtag(etag, role);
    if ((role.deleted === true) === deleted) {
      throw new ApiError(
        "FAILED_PRECONDITION",
        `You can't ${deleted ? "delete" : "undelete"} role ${name}: it is ${deleted ? "already deleted" : "not deleted"}.`,
      );
    }
    const { deleted: _before, ...rest } = role;
    const next: JsonObject = deleted ? { ...rest, deleted } : rest;
    next.etag = etagOf(next);
    await cloud.store.write({ put: { [name]: next } });
    return next;
  });
}

async function listCustom(call: Call, cloud: Cloud): Promise<Json> {
  const roles = (await cloud.store.list(`${call.path.parent}/roles/`)).map(({ value }) => value);
  return listed(call.query.showDeleted === "true" ? roles : roles.filter(({ deleted }) => deleted !== true), call);
}

/** The basic view leaves permissions out. */
function listed(roles: JsonObject[], call: Call): Json {
  const { items, nextPageToken } = pageOf(
    roles.map((value) => ({ key: textOf(value.name), value })),
    call,
  );
  const view = items.map(({ includedPermissions, ...role }) =>
    call.query.view === "FULL" ? { ...role, ...(includedPermissions && { includedPermissions }) } : role,
  );
  return { ...(view.length > 0 && { roles: view }), ...(nextPageToken && { nextPageToken }) };
}

const predefinedRoles = (): JsonObject[] => [...PREDEFINED_ROLES.keys()].map(getPredefined);

function getPredefined(name: string): JsonObject {
  const role = PREDEFINED_ROLES.get(name);
  if (!role) throw new ApiError("NOT_FOUND", `The role named ${name} was not found.`);
  const { title, description, includedPermissions } = role;
  return { name, title, description, includedPermissions: [...includedPermissions], stage: "GA", etag: "AA==" };
}
