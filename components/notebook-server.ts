/** One Workbench instance without a public address: Jupyter with managed Spark's kernels, stopped by itself when idle. */
import * as workbench from "@pulumi/gcp/workbench";
import * as pulumi from "@pulumi/pulumi";

export interface NotebookServerArgs {
  /** From names.ts. */
  instanceName: string;
  zone: string;
  labels: Record<string, string>;
  network: pulumi.Input<string>;
  subnetwork: pulumi.Input<string>;
  /** E-mail of the account that the machine runs as; whoever may act as it may open Jupyter. */
  serviceAccount: pulumi.Input<string>;
  /** `gs://` address of the script that runs at every start. */
  startScript: pulumi.Input<string>;
  /** @default "e2-standard-4" */
  machineType?: string;
  /** @default "1 hours" */
  idleShutdown?: `${number} hours`;
}

export class NotebookServer extends pulumi.ComponentResource {
  /** `projects/<project>/locations/<zone>/instances/<name>`. */
  readonly instance: pulumi.Output<string>;
  /** Jupyter's page, behind Google's sign-in. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: NotebookServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("sparklab:workbench:NotebookServer", name, {}, opts);
    const instance = new workbench.Instance(
      name,
      {
        name: args.instanceName,
        location: args.zone,
        labels: args.labels,
        desiredState: "ACTIVE",
        gceSetup: {
          machineType: args.machineType ?? "e2-standard-4",
          disablePublicIp: true,
          serviceAccounts: [{ email: args.serviceAccount }],
          networkInterfaces: [{ network: args.network, subnet: args.subnetwork }],
          bootDisk: { diskSizeGb: "150", diskType: "PD_BALANCED" },
          dataDisks: { diskSizeGb: "100", diskType: "PD_BALANCED" },
          shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
          metadata: metadata(args),
        },
      },
      { parent: this, deleteBeforeReplace: true, dependsOn: opts?.dependsOn },
    );
    this.instance = instance.id;
    this.url = instance.proxyUri;
    this.registerOutputs({ instance: this.instance });
  }
}

/** Switches of Workbench's image. Source: cloud.google.com/vertex-ai/docs/workbench/instances/manage-metadata. */
function metadata(args: NotebookServerArgs): Record<string, pulumi.Input<string>> {
  return {
    "idle-timeout-seconds": String(Number.parseInt(args.idleShutdown ?? "1 hours", 10) * 3600),
    "notebook-disable-root": "true",
    // The mixer brings the kernels of managed Spark's session templates.
    "disable-mixer": "false",
    "post-startup-script": args.startScript,
    "post-startup-script-behavior": "download_and_run_every_start",
  };
}
