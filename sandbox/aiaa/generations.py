"""Where Clara's releases differ, as a client sees it.

Sources: https://docs.nvidia.com/clara/clara-train-archive/3.1/aiaa/ and .../4.0/aiaa/ and
https://docs.nvidia.com/clara/clara-train-sdk/aiaa/ (4.1), each with loading_models.html, server_apis.html and
model_config.html.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Api = Literal["3.1", "4.0", "4.1", "lenient"]


@dataclass(frozen=True)
class Generation:
    """What a server of one release takes.

    ngc_as_body     a model from NGC: the JSON is the request's body
    ngc_as_form     a model from NGC: the same JSON is the text part ``ngc`` of a form
    archives        an MMAR as a zip, alone in ``data``
    patch           ``PATCH`` replaces a config and keeps the model file
    tensorflow      TensorFlow models with configs of Clara 3, else TorchScript with configs of Clara 4
    later_classes   knows the classes that came after 4.0
    """

    ngc_as_body: bool = False
    ngc_as_form: bool = False
    archives: bool = False
    patch: bool = False
    tensorflow: bool = False
    later_classes: bool = False

    @property
    def model_file(self) -> str:
        """How the model's file is called in an MMAR's ``models``."""
        return "model.trt.pb" if self.tensorflow else "model.ts"


GENERATIONS: Mapping[Api, Generation] = {
    "3.1": Generation(ngc_as_body=True, archives=True, patch=True, tensorflow=True),
    "4.0": Generation(ngc_as_body=True),
    "4.1": Generation(ngc_as_form=True, later_classes=True),
    "lenient": Generation(ngc_as_body=True, ngc_as_form=True, later_classes=True),
}
"""``lenient`` is no release: 4.x with both forms, since nobody has shown that 4.1 refuses the older one."""
