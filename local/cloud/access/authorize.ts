/** Before a method runs: its principal needs the permissions of the method's row on the resource that the call is about. */
import type { Cloud } from "../cloud";
import type { Method } from "../contract/contract";
import { ApiError } from "../errors";
import type { Call } from "../service";
import { textOf } from "../json";
import { accessOf, guardOf } from "../services/access";

export async function authorize(method: Method, call: Call, cloud: Cloud): Promise<void> {
  const rule = accessOf(method.id);
  const guard = guardOf(method.id);
  if (!rule) throw missingRow(method.id);
  const more = (await guard?.more?.(call, cloud)) ?? [];
  for (const permission of [...rule.permissions, ...more]) {
    const resource = guard ? await guard.resource(permission, call, cloud) : resourceOf(method, call, cloud);
    if (resource === undefined) continue;
    await cloud.access.require({ principal: call.principal, permission, resource, method: method.id });
  }
}

/** Full name of what a call is about: the thing itself where it has a name, else what it is made or listed in. */
export function resourceOf(method: Method, call: Call, { project }: Cloud): string {
  // Most APIs call the parameter `name`, `parent` or `resource`; others by the kind of thing (`topic`, `context`).
  const named = Object.values(call.path).find((value) => value.startsWith("projects/"));
  const name = named ?? filled(method.path, call);
  const local = name.replace(/^projects\/-(?=\/)/, `projects/${project.id}`);
  if (!/^projects\/[^/]+\/./.test(local)) return projectName(project.id);
  return `//${method.id.split(".")[0]}.googleapis.com/${local}`;
}

export const projectName = (id: string) => `//cloudresourcemanager.googleapis.com/projects/${id}`;

/** `projects/{project}/zones/{zone}` of a method's path with the call's parameters, without a collection at the end. */
function filled(template: string, call: Call): string {
  const start = template.indexOf("projects/");
  if (start < 0) return "";
  const path = template.slice(start).replace(/\{\+?(\w+)\}/g, (_, key: string) => textOf(call.path[key]));
  return template.endsWith("}") ? path : path.replace(/\/[^/]+$/, "");
}

/** Nobody may, not even the project's owner: a method that is served is forgotten in the tables, which a test finds. */
const missingRow = (methodId: string) =>
  new ApiError(
    "PERMISSION_DENIED",
    `Method ${methodId} has no row in this cloud's tables of permissions (services/**/*access.ts); nobody may call it.`,
  );
