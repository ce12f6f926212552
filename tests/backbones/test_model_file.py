"""A user's own model as a backbone, against Keras and ONNX Runtime themselves."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.find import BackboneSettings, find_backbone
from fruits_kedro.backbones.preprocessing import PREPROCESSINGS, Preprocessing
from fruits_kedro.errors import FruitsError

PHOTOS = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), np.uint8)
PIXELS = PHOTOS.astype(np.float32)
MEAN, STD = np.array([0.4, 0.5, 0.6], "f4"), np.array([0.2, 0.3, 0.25], "f4")


def load(path, **settings):
    return find_backbone(BackboneSettings(backbone=str(path), **settings), None)


def assert_equal(ours, theirs):
    assert ours.shape == theirs.shape and ours.dtype == np.float32
    error = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    assert error.max() <= 1e-5


@pytest.fixture(scope="module")
def classifier():
    """A classifier of 5 classes, with its rescaling inside."""
    keras = keras_models.load_keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((64, 64, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, 2, activation="relu"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(7, activation="relu", name="hidden"),
            layers.Dense(5, activation="softmax", name="labels"),
        ]
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_classifier_of_keras_gives_what_its_last_layer_takes(classifier, tmp_path, suffix):
    classifier.save(tmp_path / f"own{suffix}")
    found = load(tmp_path / f"own{suffix}")
    keras = keras_models.load_keras()
    hidden = keras.Model(classifier.inputs, classifier.get_layer("hidden").output)
    assert (found.engine, found.input_size, found.n_features) == ("litert", 64, 7)
    assert_equal(found.load_model()(PHOTOS), hidden.predict_on_batch(PIXELS))
    named = load(tmp_path / f"own{suffix}", layer="pool", engine="tensorflow")
    pool = keras.Model(classifier.inputs, classifier.get_layer("pool").output)
    assert_equal(named.load_model()(PHOTOS), pool.predict_on_batch(PIXELS))
    assert named.fingerprint != found.fingerprint and found.fingerprint.startswith("own-64-f32-")
    assert load(tmp_path / f"own{suffix}") == found  # from the cache
    said = load(tmp_path / f"own{suffix}", input_size=64, engine="tensorflow")
    assert said.fingerprint == found.fingerprint


def test_layers_within_a_model_and_those_of_its_training(classifier, tmp_path, caplog):
    keras = keras_models.load_keras()
    layers = keras.layers
    inner = keras.Sequential([layers.Rescaling(1 / 255), layers.Conv2D(4, 3, 4)])
    varied = [layers.RandomFlip(), layers.RandomRotation(0.1), inner, layers.Dropout(0.5)]
    model = keras.Sequential(
        [layers.Input((64, 64, 3)), *varied, layers.GlobalAveragePooling2D(), layers.Dense(3)]
    )
    model.save(tmp_path / "own.keras")
    assert_equal(load(tmp_path / "own.keras").load_model()(PHOTOS), model.predict_on_batch(PIXELS))
    assert "rescales pixels" not in caplog.text
    load(tmp_path / "own.keras", preprocessing=PREPROCESSINGS["tf"])
    assert "rescales pixels" in caplog.text


def test_what_a_model_of_keras_lacks_is_named(classifier, tmp_path):
    keras = keras_models.load_keras()
    classifier.save(tmp_path / "own.keras")
    with pytest.raises(FruitsError, match="no layer x; its last ones are: .*pool, hidden, labels"):
        load(tmp_path / "own.keras", layer="x")
    with pytest.raises(FruitsError, match="takes 64 pixels, and extraction.input_size=96"):
        load(tmp_path / "own.keras", input_size=96)
    plain = keras.Sequential([keras.layers.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
    plain.save(tmp_path / "plain.keras")
    with pytest.raises(FruitsError, match="not a vector"):
        load(tmp_path / "plain.keras")
    plain.add(keras.layers.GlobalAveragePooling2D())
    plain.save(tmp_path / "plain.keras")
    with pytest.raises(FruitsError, match=r"extraction.preprocessing=none\|tf\|caffe\|torch"):
        load(tmp_path / "plain.keras")
    with pytest.raises(FruitsError, match="any size.\nSay which"):
        load(tmp_path / "plain.keras", preprocessing=PREPROCESSINGS["tf"])
    found = load(tmp_path / "plain.keras", preprocessing=PREPROCESSINGS["caffe"], input_size=64)
    bgr = PIXELS[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
    assert_equal(found.load_model()(PHOTOS), plain.predict_on_batch(bgr))
    plain.save_weights(tmp_path / "own.weights.h5")
    with pytest.raises(FruitsError, match="not a whole model"):
        load(tmp_path / "own.weights.h5")
    with pytest.raises(FruitsError, match="there is no file"):
        load(tmp_path / "none.keras")


def test_a_tensorflow_lite_model_runs_as_it_is(classifier, tmp_path):
    path, tf = tmp_path / "own.tflite", keras_models.load_tensorflow()
    path.write_bytes(keras_models.convert_to_litert(classifier, 64))
    with pytest.raises(FruitsError, match="does not say what it takes"):
        load(path)
    converter = tf.lite.TFLiteConverter.from_keras_model(classifier)
    (tmp_path / "plain.tflite").write_bytes(converter.convert())  # of any number of photos
    plain = load(tmp_path / "plain.tflite", preprocessing=PREPROCESSINGS["none"])
    assert_equal(plain.load_model()(PHOTOS), classifier.predict_on_batch(PIXELS))
    found = load(path, preprocessing=PREPROCESSINGS["none"])
    assert_equal(found.load_model()(PHOTOS), classifier.predict_on_batch(PIXELS))
    with pytest.raises(FruitsError, match="keeps no layers"):
        load(path, preprocessing=PREPROCESSINGS["none"], layer="pool")
    path.write_bytes(b"no model")
    with pytest.raises(FruitsError, match="no model of TensorFlow Lite"):
        load(path)


def write_onnx(path, layout, outputs=("probabilities",), side=64):
    """Pool, a matrix, a softmax: the features before the classifier are the averages."""
    rng = np.random.default_rng(1)
    shape = ["n", 3, side, side] if layout == "nchw" else ["n", side, side, 3]
    axes = helper.make_tensor(
        "axes", TensorProto.INT64, [2], [2, 3] if layout == "nchw" else [1, 2]
    )
    matrix = rng.normal(size=(3, 5)).astype("f4")
    weights = helper.make_tensor("matrix", TensorProto.FLOAT, (3, 5), matrix.ravel())
    nodes = [
        helper.make_node("ReduceMean", ["photo", "axes"], ["averages"], keepdims=0),
        helper.make_node("MatMul", ["averages", "matrix"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    made = [helper.make_tensor_value_info(one, TensorProto.FLOAT, None) for one in outputs]
    photo = helper.make_tensor_value_info("photo", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "own", [photo], made, [axes, weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_an_onnx_model_gives_what_onnx_runtime_gives(tmp_path, layout):
    path = tmp_path / "own.onnx"
    write_onnx(path, layout)
    torch = Preprocessing.of_statistics(tuple(MEAN.tolist()), tuple(STD.tolist()))
    found = load(path, preprocessing=torch)
    pixels = (PIXELS / 255 - MEAN) / STD
    assert (found.engine, found.input_size, found.n_features) == ("onnx", 64, 3)
    assert_equal(found.load_model()(PHOTOS), pixels.mean(axis=(1, 2)))
    named = load(path, preprocessing=torch, layer="logits")
    session = onnxruntime.InferenceSession(path)
    given = pixels.transpose(0, 3, 1, 2) if layout == "nchw" else pixels
    (theirs,) = session.run(None, {"photo": given})
    logits = named.load_model()(PHOTOS)
    ours = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_equal(ours, theirs)


def test_what_an_onnx_model_lacks_is_named(tmp_path):
    path, how = tmp_path / "own.onnx", {"preprocessing": PREPROCESSINGS["none"]}
    with pytest.raises(FruitsError, match="no ONNX model"):
        path.write_bytes(b"no model")
        load(path)
    write_onnx(path, "nchw", ("logits", "probabilities"))
    with pytest.raises(FruitsError, match="2 outputs: logits, probabilities"):
        load(path, **how)
    assert load(path, **how, layer="averages").n_features == 3
    with pytest.raises(FruitsError, match="no tensor x"):
        load(path, **how, layer="x")
    write_onnx(path, "nchw", side="any")
    with pytest.raises(FruitsError, match="photos of any size"):
        load(path, **how)
    assert load(path, **how, input_size=32).input_size == 32
    with pytest.raises(FruitsError, match="leave extraction.engine"):
        load(path, **how, engine="tensorflow")
    model = onnx.load(path)
    model.graph.initializer[1].CopyFrom(
        helper.make_tensor("matrix", TensorProto.FLOAT, (3, 5), [np.nan] * 15)
    )
    onnx.save(model, path)
    with pytest.raises(FruitsError, match="NaN or infinity"):
        load(path, **how, input_size=32, layer="logits")
