/** The function that starts the training pipeline: an archive, the account it runs as, the account it is built as, and who may call it. */
import * as cloudfunctionsv2 from "@pulumi/gcp/cloudfunctionsv2";
import * as cloudrunv2 from "@pulumi/gcp/cloudrunv2";
import * as pulumi from "@pulumi/pulumi";
import type { Grants } from "./iam";

export interface PipelineFunctionArgs {
  /** From names.ts. */
  functionName: string;
  location: string;
  labels: Record<string, string>;
  description: string;
  /** Exported name in the archive's index.js. */
  entryPoint: string;
  source: { bucket: pulumi.Input<string>; object: pulumi.Input<string> };
  /** E-mail of the account that it runs as. */
  serviceAccount: pulumi.Input<string>;
  /** Full name of the account that it is built as. */
  buildAccount: pulumi.Input<string>;
  /** Full name of the repository that its image goes to; else Google makes one that stays behind. */
  repository: pulumi.Input<string>;
  environment: Record<string, pulumi.Input<string>>;
  /** Who may call it. */
  grants: Grants;
}

export class PipelineFunction extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;
  /** Grants to call; a caller made before they stand would be refused. */
  readonly invokers: pulumi.Resource[];

  constructor(name: string, args: PipelineFunctionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:orchestration:PipelineFunction", name, {}, opts);
    const deployed = new cloudfunctionsv2.Function(
      name,
      {
        name: args.functionName,
        location: args.location,
        labels: args.labels,
        description: args.description,
        buildConfig: {
          runtime: "nodejs22",
          entryPoint: args.entryPoint,
          serviceAccount: args.buildAccount,
          dockerRepository: args.repository,
          source: { storageSource: args.source },
        },
        serviceConfig: {
          serviceAccountEmail: args.serviceAccount,
          availableMemory: "256Mi",
          timeoutSeconds: 60,
          maxInstanceCount: 3,
          // Scheduler, Pub/Sub and Tasks come from outside the network; each must show a token of an invoker.
          ingressSettings: "ALLOW_ALL",
          allTrafficOnLatestRevision: true,
          environmentVariables: args.environment,
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.url = deployed.url;
    const service = deployed.serviceConfig.apply((config) => config?.service ?? "");
    this.invokers = Object.entries(args.grants).map(
      ([key, grant]) =>
        new cloudrunv2.ServiceIamMember(
          `${name}-${key}`,
          { name: service, location: args.location, ...grant },
          { parent: this, deleteBeforeReplace: true },
        ),
    );
    this.registerOutputs({ url: this.url });
  }
}
