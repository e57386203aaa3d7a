/** Private services access: a range of the network that Google's own networks are peered into. */
import * as compute from "@pulumi/gcp/compute";
import * as servicenetworking from "@pulumi/gcp/servicenetworking";
import * as pulumi from "@pulumi/pulumi";

export interface PrivateServicesArgs {
  /** Physical name of the range, from names.ts. */
  rangeName: string;
  network: pulumi.Input<string>;
  /** Addresses for Google's side, apart from every subnet. */
  cidr: string;
}

export class PrivateServices extends pulumi.ComponentResource {
  constructor(name: string, args: PrivateServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:foundation:PrivateServices", name, {}, opts);
    const [address, length] = args.cidr.split("/");
    const range = new compute.GlobalAddress(
      name,
      {
        name: args.rangeName,
        purpose: "VPC_PEERING",
        addressType: "INTERNAL",
        address,
        prefixLength: Number(length),
        network: args.network,
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    new servicenetworking.Connection(
      name,
      { network: args.network, service: "servicenetworking.googleapis.com", reservedPeeringRanges: [range.name] },
      { parent: this, deleteBeforeReplace: true },
    );
    this.registerOutputs();
  }
}
