/** The Vertex AI endpoint that pipelines deploy models to. */
import { createHash } from "node:crypto";
import * as vertex from "@pulumi/gcp/vertex";
import * as pulumi from "@pulumi/pulumi";

export interface ModelEndpointArgs {
  /** What its number is derived from: unique in the project and region. */
  displayName: string;
  location: string;
  labels: Record<string, string>;
}

export class ModelEndpoint extends pulumi.ComponentResource {
  /** `projects/<project>/locations/<region>/endpoints/<number>`. */
  readonly endpoint: pulumi.Output<string>;

  constructor(name: string, args: ModelEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:ml:ModelEndpoint", name, {}, opts);
    const endpoint = new vertex.AiEndpoint(
      name,
      {
        name: endpointNumber(args.displayName),
        displayName: args.displayName,
        description: "Predicts whether a customer leaves",
        location: args.location,
        region: args.location,
        labels: args.labels,
      },
      // Pipelines deploy models, and with them decide who gets which share.
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn, ignoreChanges: ["trafficSplit"] },
    );
    this.endpoint = endpoint.id;
    this.registerOutputs({ endpoint: this.endpoint });
  }
}

/** Endpoints are numbers of up to ten digits without a leading zero; this one follows from the name. */
export function endpointNumber(displayName: string): string {
  const hash = createHash("sha256").update(displayName).digest().readUIntBE(0, 6);
  return String(1_000_000_000 + (hash % 9_000_000_000));
}
