'use strict';
/* oxlint-disable import/no-unassigned-import -- these modules only define what is missing */

/** The sources use functions of ES2024 and later, such as Map.groupBy. Defines those that Node 20 and 22 lack. */
module.exports.completeNode = () => {
  // The bundled version of the AWS SDK runs on these versions of Node. Only later versions of the SDK will not.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  if (Number(process.versions.node.split('.')[0]) >= 24) return;
  require('core-js/es');
  require('core-js/actual/disposable-stack');
};
