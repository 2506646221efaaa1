/** The account, region and generated name of a CloudFormation resource. */
export interface ResourcePlace {
  accountId: string;
  region: string;
  /** The name that CloudFormation generates if the template contains none, e.g. `stack-LogicalId-1ABC`. */
  generatedName: string;
}

/** The values that `Ref` and `Fn::GetAtt` return for a created resource. */
export interface CreatedResource {
  physicalId: string;
  attributes: Record<string, string>;
}

/** A resource type of CloudFormation. `properties` are resolved, so they contain no intrinsic functions. */
export interface ResourceProvider {
  create(
    place: ResourcePlace,
    properties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  /** Updates a resource. If the returned `physicalId` differs, the resource was replaced, and CloudFormation deletes the old one. */
  update(
    place: ResourcePlace,
    physicalId: string,
    properties: Record<string, unknown>,
  ): CreatedResource | Promise<CreatedResource>;
  /**
   * Takes an existing resource into a stack, without changing it. `identifier` has the properties that identify it, e.g. `TableName`.
   * A type without this function cannot be imported. Throws an error if the resource does not exist.
   */
  adopt?(
    place: ResourcePlace,
    identifier: Record<string, string>,
  ): CreatedResource | Promise<CreatedResource>;
  /** Deletes a resource. Succeeds if the resource does not exist. */
  delete(place: ResourcePlace, physicalId: string): void | Promise<void>;
}
