/** Compute Engine v1 and beta: places, and the networks that workloads run in. Machines are not served. */
import type { ResourceType, Service } from "../../service";
import { addressMethods, addresses } from "./addresses";
import { firewalls } from "./firewalls";
import { networks } from "./networks";
import { operationMethods } from "./operations";
import { placeMethods } from "./places";
import { routers } from "./routers";
import { subnetworkMethods, subnetworks } from "./subnetworks";

const TYPES = [networks, subnetworks, firewalls, routers, addresses];

/** v1 does not describe the etag that beta gives routers. */
const inV1 = (type: ResourceType): ResourceType => ({
  ...type,
  view: async (resource, cloud) => {
    const { etag: _, ...described } = type.view ? await type.view(resource, cloud) : resource;
    return described;
  },
});

/** Both versions have the same resources. */
const versionOf = (version: "v1" | "beta"): Service => ({
  apis: [`compute.${version}`],
  types: version === "v1" ? TYPES.map(inV1) : TYPES,
  methods: { ...placeMethods(version), ...operationMethods, ...subnetworkMethods, ...addressMethods },
});

export const compute: readonly Service[] = [versionOf("v1"), versionOf("beta")];
