using StreamingCnn.Models;
using StreamingCnn.Training;
using StreamingCnn.Training.Heads;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Experiments.Curves;

/// <summary>One of several models that start alike and see the same images: a trunk, a head and an optimizer of its own.</summary>
internal sealed class Contestant : IDisposable
{
    private const double Rate = 1e-3;

    private readonly Module<Tensor, Tensor> trunk;
    private readonly PoolingHead head;
    private readonly StreamingModule? streaming;
    private readonly OptimizerHelper optimizer;
    private readonly ScalarType precision;

    /// <param name="name">What to call it.</param>
    /// <param name="setting">The network and its training.</param>
    /// <param name="tile">Side of the tiles in pixels; null to call the trunk itself, conventional backpropagation.</param>
    /// <param name="isReversed">Whether the images of a batch come in reverse order, which makes a difference to rounding alone.</param>
    public Contestant(string name, CurveSetting setting, int? tile, bool isReversed = false)
    {
        (Name, IsReversed, precision) = (name, isReversed, setting.Precision);
        manual_seed(setting.Seed);
        trunk = ModelCatalog.Create(setting.Model);
        head = new PoolingHead(ModelCatalog.OutputChannels(trunk), setting.Classes, HeadPooling.Average);
        trunk.to(precision).eval();
        head.to(precision);
        Parameters = [.. trunk.named_parameters().Concat(head.named_parameters()).Select(entry => entry.parameter)];
        optimizer = setting.Optimizer == OptimizerKind.Sgd
            ? optim.SGD(Parameters, Rate * 10, momentum: 0.9)
            : optim.AdamW(Parameters, Rate);
        streaming = tile is { } side ? new StreamingModule(trunk, new() { Tile = (side, side), FrozenBatchNorm = true }) : null;
    }

    public string Name { get; }

    public bool IsReversed { get; }

    /// <summary>All weights, trunk before head.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>One update with a batch of images.</summary>
    /// <param name="batch">The images.</param>
    /// <param name="use">Number of the batch; seeds the random changes of images.</param>
    /// <returns>The mean loss of the batch.</returns>
    public double Step(IReadOnlyList<TrainingSample> batch, long use)
    {
        optimizer.zero_grad();
        double sum = 0;
        foreach (var (i, sample) in IsReversed ? batch.Index().Reverse() : batch.Index())
        {
            using var scope = NewDisposeScope();
            using var image = sample.Open((use * batch.Count) + i + 1);
            var loss = functional.cross_entropy(head.forward(Map(image)), tensor(new long[] { sample.Label })) / batch.Count;
            loss.backward();
            sum += loss.to(ScalarType.Float64).item<double>();
        }

        optimizer.step();
        return sum;
    }

    /// <summary>Probabilities of an image's classes.</summary>
    public double[] Predict(TrainingSample sample)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var image = sample.Open(0);
        return head.forward(Map(image)).softmax(1).to(ScalarType.Float64).data<double>().ToArray();
    }

    /// <summary>
    /// Largest difference between the weights of two contestants: of each tensor the largest difference over its largest entry, of all
    /// tensors the largest.
    /// </summary>
    public double WeightDifference(Contestant other)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return Parameters.Zip(other.Parameters).Max(pair =>
            ((pair.First - pair.Second).abs().max() / pair.Second.abs().max()).to(ScalarType.Float64).item<double>());
    }

    public void Dispose()
    {
        optimizer.Dispose();
        streaming?.Dispose();
        head.Dispose();
        trunk.Dispose();
    }

    private Tensor Map(IImageSource image) => streaming is not null
        ? streaming.forward(image)
        : trunk.forward(image.Read(0, 0, image.Height, image.Width).to(precision));
}
