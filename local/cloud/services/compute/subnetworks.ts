/** Subnets: ranges that are free in their network, growing in place, private access to Google switched by its own method. */
import type { Cloud } from "../../cloud";
import { readResource } from "../../engine/resource";
import { textOf } from "../../json";
import type { Behaviour, Call, JsonObject, ResourceType } from "../../service";
import { invalidField } from "./links";
import { finish } from "./operations";
import { contains, gatewayOf, overlaps, parseCidr, rangesIn, rangesOf } from "./ranges";
import { computeType, fingerprintOf } from "./resource";

export const subnetworks: ResourceType = computeType({
  plural: "subnetworks",
  schema: "Subnetwork",
  parameter: "subnetwork",
  scope: "regional",
  required: ["network", "ipCidrRange"],
  // The range changes through expandIpCidrRange only.
  immutable: ["network", "ipCidrRange", "description", "purpose", "region"],
  defaults: {
    privateIpGoogleAccess: false,
    privateIpv6GoogleAccess: "DISABLE_GOOGLE_ACCESS",
    purpose: "PRIVATE",
    stackType: "IPV4_ONLY",
    "logConfig.enable": false,
  },
  references: ["network"],
  serverSet: {
    gatewayAddress: { always: ({ resource }) => gatewayOf(textOf(resource.ipCidrRange)) },
    fingerprint: { always: ({ resource }) => fingerprintOf({ ...resource, fingerprint: null }) },
  },
  check: (next, cloud, current) => checkRanges(next, cloud, current),
  source: "https://cloud.google.com/compute/docs/reference/rest/v1/subnetworks",
});

/** Longest and shortest prefix of a subnet. Source: https://cloud.google.com/vpc/docs/subnets#valid-ranges */
const SMALLEST = 29;
const LARGEST = 4;

async function checkRanges(next: JsonObject, cloud: Cloud, current?: JsonObject): Promise<void> {
  const others = (await rangesIn(textOf(next.network), cloud)).filter(
    ({ holder }) => !current || !holder.startsWith(`existing subnetwork '${textOf(next.name)}' `),
  );
  const own: string[] = [];
  for (const cidr of rangesOf(next)) {
    const range = parseCidr(cidr);
    if (!range) throw invalidField("ipCidrRange", cidr, "Must be a valid CIDR range whose address is its first one.");
    if (range.length > SMALLEST || range.length < LARGEST)
      throw invalidField("ipCidrRange", cidr, `The prefix length must be between ${LARGEST} and ${SMALLEST}.`);
    const taken =
      others.find((other) => overlaps(other.cidr, cidr))?.holder ??
      (own.some((other) => overlaps(other, cidr)) ? "another range of this subnetwork" : undefined);
    if (taken) throw invalidField("ipCidrRange", cidr, `Invalid IPCidrRange: ${cidr} conflicts with ${taken}.`);
    own.push(cidr);
  }
}

export const subnetworkMethods: Record<string, Behaviour> = {
  "compute.subnetworks.setPrivateIpGoogleAccess": (call, cloud) =>
    change(call, cloud, "setPrivateIpGoogleAccess", async (subnet) => ({
      ...subnet,
      privateIpGoogleAccess: call.body.privateIpGoogleAccess === true,
    })),
  "compute.subnetworks.expandIpCidrRange": (call, cloud) =>
    change(call, cloud, "expandIpCidrRange", async (subnet) => {
      const [from, to] = [textOf(subnet.ipCidrRange), textOf(call.body.ipCidrRange)];
      if (!contains(to, from) || to === from)
        throw invalidField("ipCidrRange", to, `New range must contain the current one, ${from}, and be larger.`);
      const next = { ...subnet, ipCidrRange: to, gatewayAddress: gatewayOf(to) };
      await checkRanges(next, cloud, subnet);
      return next;
    }),
};

function change(call: Call, cloud: Cloud, verb: string, edit: (subnet: JsonObject) => Promise<JsonObject>) {
  const { project, region, subnetwork } = call.path;
  const name = `projects/${project}/regions/${region}/subnetworks/${subnetwork}`;
  return cloud.store.exclusive(name, async () => {
    const next = await edit(await readResource(subnetworks, name, cloud));
    next.fingerprint = fingerprintOf({ ...next, fingerprint: null });
    return finish({ name, resource: next, verb, call, cloud }, { [name]: next });
  });
}
