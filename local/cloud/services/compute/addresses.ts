/** Global addresses: ranges reserved in a network for the peering with Google's services. Public addresses are not served. */
import type { Cloud } from "../../cloud";
import { readResource } from "../../engine/resource";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Behaviour, Call, Json, JsonObject, ResourceType } from "../../service";
import { invalidField, usersOf } from "./links";
import { finish } from "./operations";
import { freeRange, overlaps, parseCidr, rangesIn } from "./ranges";
import { computeType, fingerprintOf } from "./resource";

export const addresses: ResourceType = computeType({
  plural: "addresses",
  collection: "globalAddresses",
  schema: "Address",
  parameter: "address",
  scope: "global",
  required: ["network", "prefixLength"],
  defaults: { ipVersion: "IPV4" },
  references: ["network"],
  serverSet: { labelFingerprint: ({ resource }) => fingerprintOf((resource.labels ?? {}) as JsonObject) },
  check: reserve,
  view: async (address, cloud) => {
    const users = await usersOf(`projects/${cloud.project.id}/global/addresses/${textOf(address.name)}`, cloud);
    return { ...address, status: users.length > 0 ? "IN_USE" : "RESERVED" };
  },
  source: "https://cloud.google.com/compute/docs/reference/rest/v1/globalAddresses",
});

async function reserve(address: JsonObject, cloud: Cloud): Promise<void> {
  const { addressType, purpose } = address;
  if (addressType !== "INTERNAL" || purpose !== "VPC_PEERING") {
    const got = `${textOf(addressType) || "EXTERNAL"} with purpose ${textOf(purpose) || "none"}`;
    throw new ApiError(
      "UNIMPLEMENTED",
      `Global addresses of type ${got} are not served by this cloud: only INTERNAL with purpose VPC_PEERING.`,
    );
  }
  const length = Number(address.prefixLength);
  if (!Number.isInteger(length) || length < 8 || length > 29)
    throw invalidField("prefixLength", textOf(address.prefixLength), "Must be between 8 and 29.");
  const taken = await rangesIn(textOf(address.network), cloud);
  const asked = textOf(address.address);
  if (asked === "") {
    const free = freeRange(length, taken);
    if (!free)
      throw invalidField("prefixLength", String(length), "No free range of this length is left in the network.");
    address.address = free;
    return;
  }
  const cidr = `${asked}/${length}`;
  if (!parseCidr(cidr)) throw invalidField("address", asked, `Must be the first address of a /${length} range.`);
  const holder = taken.find((range) => overlaps(range.cidr, cidr))?.holder;
  if (holder) throw invalidField("address", cidr, `The range conflicts with ${holder}.`);
}

export const addressMethods: Record<string, Behaviour> = { "compute.globalAddresses.setLabels": setLabels };

/** Labels change only for who has read the latest ones. */
function setLabels(call: Call, cloud: Cloud): Promise<Json> {
  const name = `projects/${call.path.project}/global/addresses/${call.path.resource}`;
  return cloud.store.exclusive(name, async () => {
    const current = await readResource(addresses, name, cloud);
    if (call.body.labelFingerprint !== current.labelFingerprint)
      throw new ApiError(
        "FAILED_PRECONDITION",
        "Labels fingerprint either invalid or resource labels have changed",
        [],
        412,
        "conditionNotMet",
      );
    const labels = (call.body.labels ?? {}) as JsonObject;
    const { labels: _old, ...rest } = current;
    const next = {
      ...rest,
      ...(Object.keys(labels).length > 0 && { labels }),
      labelFingerprint: fingerprintOf(labels),
    };
    return finish({ name, resource: next, verb: "setLabels", call, cloud }, { [name]: next });
  });
}
