/** The APIs of the loopback cloud, in the order in which they recover; they close in the opposite one. */
import type { Service } from "../service";
import { bigquery } from "./bigquery";
import { cloudBilling } from "./cloudbilling";
import { cloudResourceManager } from "./cloudresourcemanager";
import { compute } from "./compute";
import { dataproc } from "./dataproc";
import { iam } from "./iam";
import { iamcredentials } from "./iamcredentials";
import { serviceUsage } from "./serviceusage";
import { serviceNetworking } from "./servicenetworking";
import { storage } from "./storage";

export const services: readonly Service[] = [
  ...cloudResourceManager,
  ...serviceUsage,
  cloudBilling,
  ...compute,
  serviceNetworking,
  iam,
  iamcredentials,
  storage,
  bigquery,
  dataproc,
];
