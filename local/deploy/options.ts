/** What an operation on a stack can be told. */
import type { Emit, Operation } from "./events";
import type { ProviderPackages } from "./provider";

export interface DeployOptions {
  operation: Operation;
  /** Folder with Pulumi.yaml. */
  program: string;
  stack: string;
  /** The lab's folder; state lies in `stacks/` below it. */
  lab: string;
  /** Configuration that goes before the stack's own file, `namespace:key` to value. @default none */
  config?: Record<string, string>;
  /** Environment of the program and of the provider: proxy, certificate authority, credentials. @default process.env */
  environment?: NodeJS.ProcessEnv;
  /** Aborted: steps in flight finish, nothing else begins. @default never */
  signal?: AbortSignal;
  /** Steps at once. @default 16 */
  parallel?: number;
  /** Go without the preview that an up begins with; where there are policy packs it is made all the same. @default false */
  skipPreview?: boolean;
  /** Tell only what a refresh or destroy would do. @default false */
  dryRun?: boolean;
  /** A preview or up first reads what exists, as a refresh does. @default false */
  refresh?: boolean;
  /** Fail where anything would change or has changed. @default false */
  expectNoChanges?: boolean;
  /** Folders of policy packs, each with a PulumiPolicy.yaml. @default none */
  policyPacks?: readonly string[];
  onEvent?: Emit;
  /** @default Google Cloud's */
  packages?: ProviderPackages;
}
