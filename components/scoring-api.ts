/** The scoring API on Cloud Run, deployed from its source archive: no image is built, so the archive that was tested is what runs. */
import * as cloudrunv2 from "@pulumi/gcp/cloudrunv2";
import * as pulumi from "@pulumi/pulumi";
import type { Grants } from "./iam";

export interface ScoringApiArgs {
  /** From names.ts. */
  serviceName: string;
  location: string;
  labels: Record<string, string>;
  /** E-mail of the account that it runs as. */
  serviceAccount: pulumi.Input<string>;
  /** Archive with index.js, by bucket, object and generation. */
  source: { bucket: pulumi.Input<string>; object: pulumi.Input<string>; generation: pulumi.Input<string> };
  environment: Record<string, pulumi.Input<string>>;
  /** Who may call it. */
  grants: Grants;
  /** Refuse to delete the service. @default false */
  protect?: boolean;
}

/** Google's own image of the runtime that the archive is mounted into. */
const BASE_IMAGE = (region: string) => `${region}-docker.pkg.dev/serverless-runtimes/google-22/runtimes/nodejs22`;

export class ScoringApi extends pulumi.ComponentResource {
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: ScoringApiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:ml:ScoringApi", name, {}, opts);
    const service = new cloudrunv2.Service(
      name,
      {
        name: args.serviceName,
        location: args.location,
        labels: args.labels,
        description: "Churn predictions, one request at a time",
        launchStage: "BETA", // Of deployment from source without a build.
        ingress: "INGRESS_TRAFFIC_ALL",
        deletionProtection: args.protect ?? false,
        template: {
          serviceAccount: args.serviceAccount,
          timeout: "30s",
          scaling: { minInstanceCount: 0, maxInstanceCount: 3 },
          containers: [this.container(args)],
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.url = service.uri;
    for (const [key, grant] of Object.entries(args.grants)) {
      new cloudrunv2.ServiceIamMember(
        `${name}-${key}`,
        { name: service.name, location: args.location, ...grant },
        { parent: this, deleteBeforeReplace: true },
      );
    }
    this.registerOutputs({ url: this.url });
  }

  private container(args: ScoringApiArgs) {
    return {
      image: "scratch",
      baseImageUri: BASE_IMAGE(args.location),
      sourceCode: { cloudStorageSource: args.source },
      commands: ["node"],
      args: ["index.js"],
      envs: Object.entries(args.environment).map(([key, value]) => ({ name: key, value })),
      ports: { containerPort: 8080 },
      resources: { limits: { cpu: "1", memory: "512Mi" }, cpuIdle: true, startupCpuBoost: true },
      // The port alone: a new lab has no model yet, and says so in its answers.
      startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 30, timeoutSeconds: 1 },
    };
  }
}
