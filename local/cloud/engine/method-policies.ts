/** getIamPolicy, setIamPolicy and testIamPermissions of every type that has a policy. */
import type { Cloud } from "../cloud";
import { ApiError } from "../errors";
import type { Behaviour, Call, Json, JsonObject } from "../service";
import { isObject } from "../json";

/** @param nameOf full resource name that a call is about; throws NOT_FOUND if the resource does not exist. */
export function policyBehaviour(
  verb: string,
  nameOf: (call: Call, cloud: Cloud) => Promise<string>,
): Behaviour | undefined {
  const behaviours: Record<string, Behaviour> = {
    getIamPolicy: async (call, cloud) => cloud.policies.get(await nameOf(call, cloud)),
    setIamPolicy: async (call, cloud) => setPolicy(await nameOf(call, cloud), call.body, cloud),
    testIamPermissions: async (call, cloud) => testPermissions(await nameOf(call, cloud), call, cloud),
  };
  return Object.hasOwn(behaviours, verb) ? behaviours[verb] : undefined;
}

/** Audit settings change only where the mask names them: the default mask is `bindings, etag`. */
async function setPolicy(name: string, body: JsonObject, cloud: Cloud): Promise<Json> {
  if (!isObject(body.policy)) throw new ApiError("INVALID_ARGUMENT", "Required field is not set: policy");
  const mask = typeof body.updateMask === "string" ? body.updateMask : "bindings,etag";
  if (/(^|,)\s*(auditConfigs|audit_configs)/.test(mask)) return cloud.policies.set(name, body.policy);
  const { auditConfigs } = await cloud.policies.get(name);
  const { auditConfigs: _sent, ...policy } = body.policy;
  return cloud.policies.set(name, { ...policy, ...(auditConfigs !== undefined && { auditConfigs }) });
}

async function testPermissions(name: string, call: Call, cloud: Cloud): Promise<Json> {
  const asked = call.body.permissions ?? call.query.permissions ?? [];
  const permissions = (Array.isArray(asked) ? asked : [asked]).map(String);
  const permitted = await cloud.policies.permitted(call.principal, permissions, name);
  return permitted.length > 0 ? { permissions: permitted } : {};
}
