/** Machines have no public address, and no rule lets the internet in. */
import { at, shown, type Rule } from "../rule";

const PRIVATE: Readonly<Record<string, string>> = {
  "gcp:dataproc/cluster:Cluster": "clusterConfig.gceClusterConfig.internalIpOnly",
  "gcp:workbench/instance:Instance": "gceSetup.disablePublicIp",
  "gcp:composer/environment:Environment": "config.enablePrivateEnvironment",
};

export const noPublicAddresses: Rule = {
  name: "no-public-addresses",
  description: "No machine has a public address and no firewall rule lets the internet in.",
  check: ({ type, props }) => {
    const path = PRIVATE[type];
    if (path && at(props, path) !== true) return [`${path}: got ${shown(at(props, path))}; expected true`];
    if (/^gcp:compute\/(globalA|a)ddress:/.test(type) && at(props, "addressType") !== "INTERNAL") {
      return [`addressType: got ${shown(at(props, "addressType"))}; expected "INTERNAL"`];
    }
    const open =
      type === "gcp:compute/firewall:Firewall" && at(props, "direction") !== "EGRESS"
        ? sources(props).filter((range) => /\/0$/.test(range))
        : [];
    return open.map((range) => `sourceRanges: got "${range}"; expected ranges of the lab's own network`);
  },
};

function sources(props: unknown): string[] {
  return Object.values((at(props, "sourceRanges") as object | undefined) ?? {}).map(String);
}
