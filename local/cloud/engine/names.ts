/** Resource names: from a request to the full name of what it means, and from a name to its place in the store. */
import { ApiError } from "../errors";
import type { Call, ResourceType } from "../service";

/** The resource name, behind the type's prefix if it has one. */
export const keyOf = (type: ResourceType, name: string) => `${type.keyPrefix ?? ""}${name}`;

/** Full resource name for IAM, e.g. `//iam.googleapis.com/projects/p/serviceAccounts/e`. */
export const fullNameOf = (type: ResourceType, name: string) =>
  `//${type.collection.split(".")[0]}.googleapis.com/${name}`;

export const parentTemplate = (type: ResourceType) => type.name.split("/").slice(0, -2).join("/");

/** Name of the resource that a get, patch, delete or policy method is about. */
export function nameInCall(type: ResourceType, call: Call): string {
  return inPath(type.name, call) ?? misnamed(type.name, call);
}

/** Name of the parent that a create or list method is about; `-` segments are wildcards in lists. */
export function parentInCall(type: ResourceType, call: Call): string {
  const template = parentTemplate(type);
  if (template === "") return "";
  return inPath(template, call) ?? misnamed(template, call);
}

export function childName(type: ResourceType, parent: string, id: string): string {
  const collection = type.name.split("/").at(-2) ?? "";
  return parent === "" ? `${collection}/${id}` : `${parent}/${collection}/${id}`;
}

/** Whether a name is one of this template: equal literals, one segment per variable. */
export function matches(template: string, name: string): boolean {
  const expected = template.split("/");
  const actual = name.split("/");
  return (
    expected.length === actual.length &&
    expected.every((segment, index) => (segment.startsWith("{") ? actual[index] !== "" : segment === actual[index]))
  );
}

/** Either one path parameter is the whole name (`name`, `parent`), or one parameter each (compute's `project`, `region`). */
function inPath(template: string, call: Call): string | undefined {
  const whole = Object.values(call.path).find((value) => matches(template, value));
  if (whole !== undefined) return whole;
  const filled = template.replace(/\{([^}]+)\}/g, (variable, name: string) => call.path[name] ?? variable);
  return filled.includes("{") ? undefined : filled;
}

function misnamed(template: string, call: Call): never {
  const got = Object.values(call.path).join(", ");
  throw new ApiError("INVALID_ARGUMENT", `Invalid resource name '${got}': expected ${template}.`);
}

/** Where operations about this resource are polled: under its location or region, else at the top. */
export function operationParent(name: string): string {
  return /^projects\/[^/]+\/(?:locations|regions)\/[^/]+/.exec(name)?.[0] ?? "";
}
