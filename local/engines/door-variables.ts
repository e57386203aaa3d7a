/** The variables by which Google's clients in a workload find this cloud, and their own account in it. */
import type { DoorSettings } from "./interface-spark";

const LOOPBACK = "127.0.0.1,localhost";

/** @param metadataHost `127.0.0.1:<port>` of the workload's own metadata server, which says who it is */
export const doorVariables = ({ proxy, caBundle, project }: DoorSettings, metadataHost: string) => ({
  // Both cases: gRPC reads only the lower one, other clients the upper.
  HTTPS_PROXY: proxy,
  https_proxy: proxy,
  NO_PROXY: LOOPBACK,
  no_proxy: LOOPBACK,
  REQUESTS_CA_BUNDLE: caBundle,
  SSL_CERT_FILE: caBundle,
  GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: caBundle,
  GCE_METADATA_HOST: metadataHost,
  GCE_METADATA_IP: metadataHost,
  GOOGLE_CLOUD_PROJECT: project,
});
