/** The network that Spark nodes, notebooks and Airflow share: one private subnet, open inside, closed outside. */
import * as compute from "@pulumi/gcp/compute";
import * as pulumi from "@pulumi/pulumi";

export interface SparkNetworkArgs {
  /** Physical name of network, subnet and firewall rule, from names.ts. */
  networkName: string;
  region: string;
  /** Addresses of the subnet; can grow in place, never shrink. */
  cidr: string;
  /** Let nodes without addresses of their own reach the internet, for packages fetched at run time. @default false */
  internet?: boolean;
}

export class SparkNetwork extends pulumi.ComponentResource {
  readonly network: compute.Network;
  readonly subnetwork: compute.Subnetwork;

  constructor(name: string, args: SparkNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:SparkNetwork", name, {}, opts);
    const own = { parent: this, deleteBeforeReplace: true };
    this.network = new compute.Network(
      name,
      {
        name: args.networkName,
        autoCreateSubnetworks: false,
        routingMode: "REGIONAL",
        description: "Spark, notebooks and Airflow of the lab",
      },
      { ...own, dependsOn: opts?.dependsOn },
    );
    this.subnetwork = new compute.Subnetwork(
      name,
      {
        name: args.networkName,
        network: this.network.id,
        region: args.region,
        ipCidrRange: args.cidr,
        // The way to Google's APIs without public addresses; managed Spark would switch it on by itself.
        privateIpGoogleAccess: true,
      },
      own,
    );
    new compute.Firewall(
      `${name}-nodes`,
      {
        name: `${args.networkName}-nodes`,
        network: this.network.id,
        description: "Driver and executors of a batch talk on ports that Spark chooses",
        direction: "INGRESS",
        sourceRanges: [args.cidr],
        destinationRanges: [args.cidr],
        allows: [{ protocol: "tcp" }, { protocol: "udp" }, { protocol: "icmp" }],
      },
      own,
    );
    if (args.internet) this.openInternet(name, args);
    this.registerOutputs({ network: this.network.id, subnetwork: this.subnetwork.id });
  }

  /** Outgoing only: nothing outside can begin a connection. */
  private openInternet(name: string, args: SparkNetworkArgs): void {
    const own = { parent: this, deleteBeforeReplace: true };
    const router = new compute.Router(
      name,
      { name: args.networkName, network: this.network.id, region: args.region },
      own,
    );
    new compute.RouterNat(
      name,
      {
        name: args.networkName,
        router: router.name,
        region: args.region,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "LIST_OF_SUBNETWORKS",
        subnetworks: [{ name: this.subnetwork.id, sourceIpRangesToNats: ["ALL_IP_RANGES"] }],
        logConfig: { enable: true, filter: "ERRORS_ONLY" },
      },
      own,
    );
  }
}
