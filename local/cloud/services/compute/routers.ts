/** Cloud routers with their NAT gateways, which are parts of the router and no resources of their own. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject, ResourceType } from "../../service";
import { invalidField, resolveLink } from "./links";
import { computeType } from "./resource";

export const routers: ResourceType = computeType({
  plural: "routers",
  schema: "Router",
  parameter: "router",
  scope: "regional",
  required: ["network"],
  immutable: ["network", "region"],
  references: ["network"],
  check: completeNats,
  source: "https://cloud.google.com/compute/docs/reference/rest/v1/routers",
});

/** Source: fields of RouterNat. */
const NAT_DEFAULTS: JsonObject = {
  type: "PUBLIC",
  endpointTypes: ["ENDPOINT_TYPE_VM"],
  autoNetworkTier: "PREMIUM",
  enableDynamicPortAllocation: false,
  enableEndpointIndependentMapping: false,
};

async function completeNats(router: JsonObject, cloud: Cloud): Promise<void> {
  const nats = (router.nats ?? []) as JsonObject[];
  const names = nats.map(({ name }) => textOf(name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalidField("nats.name", twice, "NAT names must be unique in a router.");
  for (const [index, nat] of nats.entries()) {
    const kept = Object.fromEntries(
      Object.entries(nat).filter(([, value]) => !(Array.isArray(value) && value.length === 0)),
    );
    const complete: JsonObject = { ...NAT_DEFAULTS, ...kept };
    for (const field of ["name", "sourceSubnetworkIpRangesToNat"])
      if (!complete[field]) throw invalidField(`nats[${index}].${field}`, "", "The field is required.");
    const subnetworks = await subnetsOf(complete, index, cloud);
    if (subnetworks) complete.subnetworks = subnetworks;
    nats[index] = complete;
  }
}

async function subnetsOf(nat: JsonObject, index: number, cloud: Cloud): Promise<JsonObject[] | undefined> {
  const given = (nat.subnetworks ?? []) as JsonObject[];
  const isListed = nat.sourceSubnetworkIpRangesToNat === "LIST_OF_SUBNETWORKS";
  if (isListed !== given.length > 0) {
    const message = `Invalid value for field 'resource.nats[${index}].subnetworks': subnetworks are listed exactly when sourceSubnetworkIpRangesToNat is LIST_OF_SUBNETWORKS.`;
    throw new ApiError("INVALID_ARGUMENT", message, [], 400, "invalid");
  }
  if (!isListed) return undefined;
  const field = `nats[${index}].subnetworks.name`;
  return Promise.all(
    given.map(async (entry) => ({ ...entry, name: await resolveLink(field, textOf(entry.name), cloud) })),
  );
}
