"""A small trained network to try ``tileloom network`` with: digits.onnx, and data digits.npz.

Run: python examples/network.py [FOLDER], which is made where it is not there; by default here

Scikit-learn's handwritten digits, 8 x 8. The first layer is a convolution whose filters are the centres of
3 x 3 patches (Coates et al., "An Analysis of Single-Layer Networks in Unsupervised Feature Learning", 2011);
two trained products follow. The data are the 450 images of the test set with their labels.

Needs scikit-learn and onnx: ``pip install '.[examples]'``, in a clone of the repository.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

FILTERS, HIDDEN = 16, 32
Floats = npt.NDArray[np.float32]


def patches(images: Floats) -> Floats:
    """Return the 3 x 3 patch around each pixel: images x 8 x 8 x 9."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return np.stack([padded[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)], axis=-1)


def filters(images: Floats) -> Floats:
    """Return the centres of normalised patches, 9 x FILTERS, of mean 0."""
    seen = patches(images).reshape(-1, 9)[::7]
    seen = seen - seen.mean(axis=1, keepdims=True)
    seen = seen[np.linalg.norm(seen, axis=1) > 0.5]
    centres = KMeans(FILTERS, n_init=1, random_state=0).fit(seen).cluster_centers_
    centres -= centres.mean(axis=1, keepdims=True)
    return (centres / np.linalg.norm(centres, axis=1, keepdims=True)).T.astype(np.float32)


def features(images: Floats, weights: Floats) -> Floats:
    """Return what the first layer gives after its ReLU and the pooling: images x FILTERS * 4 * 4."""
    seen = np.maximum(patches(images) @ weights, 0)
    pooled = seen.reshape(-1, 4, 2, 4, 2, FILTERS).max(axis=(2, 4))
    return pooled.transpose(0, 3, 1, 2).reshape(len(images), -1)


def model(convolution: Floats, classifier: MLPClassifier) -> onnx.ModelProto:
    """Return the whole network, from 1 x 1 x 8 x 8 to ten scores."""
    constants = {"filters": convolution.T.reshape(FILTERS, 1, 3, 3)}
    for index, (weights, bias) in enumerate(zip(classifier.coefs_, classifier.intercepts_, strict=True)):
        constants |= {f"weights{index}": weights, f"bias{index}": bias}
    make = helper.make_node
    nodes = [
        make("Conv", ["image", "filters"], ["edges"], "edges", pads=[1, 1, 1, 1]),
        make("Relu", ["edges"], ["active"]),
        make("MaxPool", ["active"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        make("Flatten", ["pooled"], ["flat"]),
        make("Gemm", ["flat", "weights0", "bias0"], ["hidden"], "hidden"),
        make("Relu", ["hidden"], ["rectified"]),
        make("Gemm", ["rectified", "weights1", "bias1"], ["scores"], "scores"),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main() -> None:
    """Train, and write model and data."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.float32) / 16
    train, test, y_train, y_test = train_test_split(images, labels, test_size=0.25, random_state=0)
    convolution = filters(train)
    classifier = MLPClassifier((HIDDEN,), max_iter=60, learning_rate_init=0.01, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(features(train, convolution), y_train)
    right = (classifier.predict(features(test, convolution)) == y_test).mean()
    onnx.save(model(convolution, classifier), folder / "digits.onnx")
    np.savez(folder / "digits.npz", image=test[:, None], labels=y_test)
    np.savez(folder / "calibration.npz", image=train[:100, None])
    print(f"{folder / 'digits.onnx'}: {right:.1%} of {len(test)} images right")
    print(f"{folder / 'digits.npz'}, {folder / 'calibration.npz'}: data")


if __name__ == "__main__":
    main()
