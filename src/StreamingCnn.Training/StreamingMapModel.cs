using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Models;
using StreamingCnn.Reductions;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>
/// A model that gives something for each pixel of an image. In training and in judging neither its map, nor what is true of the pixels, nor
/// the loss's gradient exists whole.
/// </summary>
public abstract class StreamingMapModel : TrainableModel
{
    private const long ChannelsOfAPhotograph = 3;

    private readonly StreamingModule features;
    private readonly long imageChannels;
    private readonly DenseHead? head;

    // No component: its parts have their names by the trunk and the head.
    private readonly Module<Tensor, Tensor> network;
    private readonly Dictionary<LossOptions, JudgedNetwork> judged = [];
    private JudgedNetwork? plain;
    private (MapOfForeground Block, StreamingNetwork Streaming)? ofForeground;

    /// <summary>Creates the model.</summary>
    private protected StreamingMapModel(
        string name,
        Module<Tensor, Tensor> trunk,
        int outputs,
        StreamingOptions? options,
        long? channels,
        bool isDense,
        long? imageChannels)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(trunk);
        this.imageChannels = imageChannels ?? trunk.modules().OfType<Conv2d>().FirstOrDefault()?.in_channels ?? ChannelsOfAPhotograph;
        features = new StreamingModule(trunk, options);
        register_module(nameof(features), features);
        if (!isDense)
        {
            head = new DenseHead(channels ?? ModelCatalog.OutputChannels(trunk), outputs);
            register_module(nameof(head), head);
        }

        network = head is null ? trunk : new TrunkWithDenseHead(trunk, head);
    }

    /// <inheritdoc/>
    public override Module<Tensor, Tensor> Trunk => features.Trunk;

    /// <summary>What makes outputs of the trunk's map; null where the trunk does.</summary>
    public DenseHead? Head => head;

    /// <inheritdoc/>
    public override StreamingOptions Options => features.Options;

    /// <summary>The network that gives the map.</summary>
    private protected Module<Tensor, Tensor> Network => network;

    /// <summary>What gives the map that others see.</summary>
    private protected abstract StreamingModule Map { get; }

    /// <summary>The trunk, streamed.</summary>
    private protected StreamingModule Features => features;

    /// <summary>The map of a batch of images in memory.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, outputs, H, W].</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        EnlargeTo(input.shape[^2], input.shape[^1]);
        return Map.call(input);
    }

    /// <summary>The map of an image that is read window by window, without autograd, handed out rectangle by rectangle.</summary>
    /// <param name="image">
    /// The image. Of a <see cref="ForegroundSource"/> the map is that of the image at its foreground, and 0 elsewhere, for which nothing is
    /// computed.
    /// </param>
    /// <param name="sink">Gets the map, [1, outputs, H, W], of the image's size.</param>
    public void Run(IImageSource image, IMapSink sink) => Run(image, (image as ForegroundSource)?.Foreground, sink);

    /// <summary>A part of the map of an image, without autograd, handed out rectangle by rectangle.</summary>
    /// <param name="image">The image.</param>
    /// <param name="part">
    /// Not 0 where the map is wanted, of the image's size and one channel; elsewhere the map is 0, and nothing is computed for it. Null for
    /// the whole map, also of a <see cref="ForegroundSource"/>.
    /// </param>
    /// <param name="sink">Gets the map, [1, outputs, H, W], of the image's size.</param>
    public void Run(IImageSource image, IImageSource? part, IMapSink sink)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(sink);
        EnlargeTo(image.Height, image.Width);
        if (part is null)
            Map.Run(image, sink);
        else
            OfForeground.Run([image, part], [sink]);
    }

    /// <summary>
    /// What a step on one image and what is true of its pixels would do and cost, in the modes that the model's layers are in now.
    /// </summary>
    /// <inheritdoc cref="StreamingModule.Plan(long, long)"/>
    public override TilePlan Plan(long height, long width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        EnlargeTo(height, width);
        return Judging(null).Network.Plan((imageChannels, height, width), (TargetChannels, height, width));
    }

    /// <inheritdoc/>
    public override TilePlan Plan(IImageSource image, IImageSource? truth = null)
    {
        if (truth is null)
            return base.Plan(image, truth);
        ArgumentNullException.ThrowIfNull(image);
        EnlargeTo(image.Height, image.Width);
        return Judging(null).Network.Plan([image, truth]);
    }

    /// <summary>Channels of what is true of the pixels.</summary>
    private protected abstract int TargetChannels { get; }

    /// <summary>What metrics are made of.</summary>
    private protected abstract MapReduction Sums { get; }

    /// <summary>The loss.</summary>
    /// <param name="objective">What is learned by; null for the task's plain loss.</param>
    private protected abstract MapLoss LossOf(LossOptions? objective);

    /// <summary>The losses and the sums of one image, streamed, in the outer scope.</summary>
    /// <returns>The plain loss and what is learned by, scalars; and the results of <see cref="Sums"/>.</returns>
    /// <exception cref="TrainingException">What is true is of another size.</exception>
    /// <exception cref="ArgumentException">No pixel counts.</exception>
    private protected (Tensor Loss, Tensor Learned, Tensor[] Sums) JudgeMap(IImageSource image, IImageSource truth, LossOptions? objective)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(truth);
        if (image.Height != truth.Height || image.Width != truth.Width)
        {
            throw new TrainingException(string.Create(
                CultureInfo.InvariantCulture,
                $"The mask has {truth.Height} x {truth.Width} pixels (height x width), but its image has {image.Height} x {image.Width}; give one of the image's size."));
        }

        EnlargeTo(image.Height, image.Width);
        var found = Judging(objective);
        var outputs = found.Network.forward([image, truth]);
        var loss = outputs[0].reshape([]);
        return (loss, found.Losses > 1 ? outputs[1].reshape([]) : loss, outputs[found.Losses..]);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            plain?.Dispose();
            ofForeground?.Streaming.Dispose();
            ofForeground?.Block.Dispose();
            foreach (var other in judged.Values)
                other.Dispose();
            if (head is not null)
                network.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Whether something holds of any window of what is true of the pixels.</summary>
    /// <param name="truth">What is true of them.</param>
    /// <param name="holds">Asked of windows, [1, C, h, w], one after the other.</param>
    private protected static bool AnyWindow(IImageSource truth, Func<Tensor, bool> holds)
    {
        const long Side = 2048;
        for (long top = 0; top < truth.Height; top += Side)
        {
            for (long left = 0; left < truth.Width; left += Side)
            {
                using var scope = NewDisposeScope();
                if (holds(truth.Read(top, left, Math.Min(Side, truth.Height - top), Math.Min(Side, truth.Width - left))))
                    return true;
            }
        }

        return false;
    }

    private StreamingNetwork OfForeground
    {
        get
        {
            lock (judged)
            {
                if (ofForeground is not { } made)
                {
                    var block = new MapOfForeground(Map.Trunk);
                    ofForeground = made = (block, new StreamingNetwork(block, Options));
                }

                return made.Streaming;
            }
        }
    }

    private void EnlargeTo(long height, long width) => head?.EnlargeTo(height, width);

    /// <summary>The network with what judges it, made once for each way of learning.</summary>
    private JudgedNetwork Judging(LossOptions? objective)
    {
        lock (judged)
        {
            if (objective is null)
                return plain ??= new(network, Sums, [LossOf(null)], Options);
            if (!judged.TryGetValue(objective, out var found))
                judged[objective] = found = new(network, Sums, [LossOf(null), LossOf(objective)], Options);
            return found;
        }
    }

    private sealed class JudgedNetwork(Module<Tensor, Tensor> network, MapReduction sums, MapLoss[] losses, StreamingOptions options)
        : IDisposable
    {
        private readonly JudgedMap block = new(network, sums, losses);
        private StreamingNetwork? streaming;

        public int Losses => losses.Length;

        public StreamingNetwork Network => streaming ??= new(block, options);

        public void Dispose()
        {
            streaming?.Dispose();
            block.Dispose();
            foreach (var loss in losses)
                loss.Dispose();
        }
    }
}
