/** Foundation: the APIs that the lab uses, what the organization allows, and the network that Spark runs in. */
import { physicalName, type Naming } from "../components/names";
import { OrgPolicies } from "../components/org-policies";
import { PrivateServices } from "../components/private-services";
import { ProjectServices } from "../components/project-services";
import { SparkNetwork } from "../components/spark-network";
import type { Features } from "./config/features";
import { agentsOf, servicesOf } from "./services";

export interface FoundationArgs {
  project: string;
  region: string;
  naming: Naming;
  features: Features;
  /** More than Spark batches alone. */
  whole: boolean;
  subnetCidr: string;
  peeringCidr: string;
}

export interface Foundation {
  services: ProjectServices;
  network?: SparkNetwork;
}

export function foundation(args: FoundationArgs): Foundation {
  const { features, naming, whole } = args;
  const services = new ProjectServices("services", {
    services: servicesOf(whole, features),
    agents: agentsOf(whole, features),
  });
  const ready = { dependsOn: [services] };
  if (features.orgPolicies) new OrgPolicies("policies", { project: args.project }, ready);
  if (!whole) return { services };
  const network = new SparkNetwork(
    "spark",
    {
      networkName: physicalName(naming, "resource", "spark"),
      region: args.region,
      cidr: args.subnetCidr,
      internet: features.nat,
    },
    ready,
  );
  if (features.peering) {
    new PrivateServices(
      "google-services",
      {
        rangeName: physicalName(naming, "resource", "google-services"),
        network: network.network.id,
        cidr: args.peeringCidr,
      },
      ready,
    );
  }
  return { services, network };
}
