using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// The streamed parts of the networks in "Streaming convolutional neural networks for end-to-end learning with multi-megapixel images"
/// (Pinckaers, van Ginneken, Litjens, arXiv 1911.04432) and its notebooks.
/// </summary>
public static class PaperTrunks
{
    /// <summary>
    /// The numerical comparison's network: six 3x3 convolutions of 16 channels without padding, each with ReLU, and a 2x2 max pooling after
    /// every second. Weights are scaled by 2.5 and biases 0, as in the notebook, so that the signal lives on.
    /// </summary>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of channels is below 1.</exception>
    public static Sequential NumericalComparison(int inputChannels = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        var layers = new List<Module<Tensor, Tensor>>();
        long channels = inputChannels;
        for (var pair = 0; pair < 3; pair++)
        {
            for (var i = 0; i < 2; i++, channels = 16)
                layers.AddRange([Conv2d(channels, 16, 3), ReLU()]);
            layers.Add(MaxPool2d(2));
        }

        var trunk = Sequential(layers);
        using var grad = no_grad();
        using Scalar gain = 2.5;
        foreach (var convolution in trunk.modules().OfType<Conv2d>())
        {
            convolution.weight.mul_(gain);
            convolution.bias!.zero_();
        }

        return trunk;
    }

    /// <summary>
    /// The Imagenette notebook's streamed part: two 3x3 convolutions of 16 and 32 channels, each with ReLU and 2x2 max pooling.
    /// </summary>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of channels is below 1.</exception>
    public static Sequential Imagenette(int inputChannels = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        return Sequential(
            Conv2d(inputChannels, 16, 3, padding: 1), ReLU(), MaxPool2d(2),
            Conv2d(16, 32, 3, padding: 1), ReLU(), MaxPool2d(2));
    }

    /// <summary>
    /// The TUPAC16 and CAMELYON17 network up to its last seven layers: blocks of two 3x3 convolutions with ReLU and a 2x2 max pooling, of
    /// 32, 64, 128, 256 and 512 channels, the last block repeated for larger images, so that the map behind it keeps its size.
    /// </summary>
    /// <param name="imageSide">2048, 4096 or 8192 pixels: 5, 6 or 7 blocks.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <param name="width">Channels of the first block; 32 in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException">The paper has no network for that size.</exception>
    public static Sequential Pathology(int imageSide, int inputChannels = 3, int width = 32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        var blocks = imageSide switch
        {
            2048 => 5,
            4096 => 6,
            8192 => 7,
            _ => throw new ArgumentOutOfRangeException(
                nameof(imageSide), imageSide, "The paper's network is for images of 2048, 4096 or 8192 pixels; choose one of them."),
        };
        var layers = new List<Module<Tensor, Tensor>>();
        long channels = inputChannels;
        for (var block = 0; block < blocks; block++)
        {
            var outputs = width << Math.Min(block, 4);
            for (var i = 0; i < 2; i++, channels = outputs)
                layers.AddRange([Conv2d(channels, outputs, 3, padding: 1), ReLU()]);
            layers.Add(MaxPool2d(2));
        }

        return Initialised(Sequential(layers));
    }

    /// <summary>
    /// A small network for CPUs and first tries: five strided or padded convolutions, 64 channels at a 16th of the image's size.
    /// </summary>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of channels is below 1.</exception>
    public static Sequential Small(int inputChannels = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        return Initialised(Sequential(
            Conv2d(inputChannels, 16, 5, stride: 2, padding: 2), ReLU(),
            Conv2d(16, 16, 3, padding: 1), ReLU(), MaxPool2d(2),
            Conv2d(16, 32, 3, padding: 1), ReLU(), MaxPool2d(2),
            Conv2d(32, 64, 3, padding: 1), ReLU(), MaxPool2d(2),
            Conv2d(64, 64, 3, padding: 1), ReLU()));
    }

    /// <summary>
    /// A trunk for large images that are mostly empty, on CPUs: two fifths of the work of <see cref="Small"/>. Three strided convolutions,
    /// a fourth and one of 1 x 1; 64 channels at an 8th of the image's size, each of whose positions sees 33 x 33 pixels. Nothing is
    /// normalised: biases are 0 at first, so that black (0) stays 0 through all layers, and what there is stands out whatever the size of
    /// the image.
    /// </summary>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of channels is below 1.</exception>
    public static Sequential Sparse(int inputChannels = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputChannels, 1);
        return Initialised(Sequential(
            Conv2d(inputChannels, 8, 5, stride: 2, padding: 2), ReLU(),
            Conv2d(8, 16, 3, stride: 2, padding: 1), ReLU(),
            Conv2d(16, 32, 3, stride: 2, padding: 1), ReLU(),
            Conv2d(32, 64, 3, padding: 1), ReLU(),
            Conv2d(64, 64, 1), ReLU()));
    }

    private static Sequential Initialised(Sequential trunk)
    {
        using var grad = no_grad();
        foreach (var convolution in trunk.modules().OfType<Conv2d>())
        {
            init.kaiming_normal_(convolution.weight, nonlinearity: init.NonlinearityType.ReLU);
            convolution.bias!.zero_();
        }

        return trunk;
    }
}
