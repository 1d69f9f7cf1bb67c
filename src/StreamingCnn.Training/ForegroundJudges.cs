using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>
/// What a classifier's head makes of the foreground of images, streamed with the trunk. The networks are made when asked for.
/// </summary>
/// <param name="features">The trunk.</param>
/// <param name="head">The head.</param>
internal sealed class ForegroundJudges(StreamingModule features, PoolingHead head) : IDisposable
{
    private readonly Judge scores = new(features, head, head.Trace);
    private readonly Judge pooled = new(features, head, head.Pool);
    private readonly Judge instances = new(features, head, head.TraceInstances);

    /// <summary>Scores, [1, outputs].</summary>
    /// <param name="image">The image.</param>
    /// <param name="isSeenInto">Whether trunk and head run as one.</param>
    public Tensor Scores(ForegroundSource image, bool isSeenInto) => scores.Of(image, isSeenInto);

    /// <summary>What the head pools, [1, C'].</summary>
    /// <inheritdoc cref="Scores"/>
    public Tensor Pooled(ForegroundSource image, bool isSeenInto) => pooled.Of(image, isSeenInto);

    /// <summary>Scores and what is said of instances.</summary>
    /// <inheritdoc cref="Scores"/>
    public Tensor Instances(ForegroundSource image, bool isSeenInto) => instances.Of(image, isSeenInto);

    /// <summary>What a step would do and cost, where trunk and head run as one.</summary>
    /// <inheritdoc cref="Scores"/>
    public TilePlan Plan(ForegroundSource image) => scores.Plan(image);

    /// <inheritdoc/>
    public void Dispose()
    {
        scores.Dispose();
        pooled.Dispose();
        instances.Dispose();
    }

    private sealed class Judge(StreamingModule features, PoolingHead head, Func<FeatureMap, FeatureMap, GlobalTensor> output) : IDisposable
    {
        private OfForeground? network;
        private StreamingNetwork? streaming;

        private StreamingNetwork Network => streaming ??= new(
            network ??= new(features.Trunk, head, (map, mask) => [output(map, mask)]), features.Options);

        public Tensor Of(ForegroundSource image, bool isSeenInto)
        {
            if (!isSeenInto)
                return OfMap(image, features.forward((IImageSource)image));
            return Network.forward([image, Covered(image)]).Single();
        }

        public TilePlan Plan(ForegroundSource image) => Network.Plan([image, Covered(image)]);

        public void Dispose()
        {
            streaming?.Dispose();
            network?.Dispose();
        }

        private CoveredSource Covered(ForegroundSource image)
        {
            var (height, width) = features.OutputSize(image.Height, image.Width, image.Channels);
            return new(image.Foreground, height, width);
        }

        private Tensor OfMap(ForegroundSource image, Tensor map)
        {
            using (map)
            using (var covered = new CoveredSource(image.Foreground, map.shape[2], map.shape[3]))
            using (var mask = covered.Read(0, 0, covered.Height, covered.Width).to(map.dtype, map.device))
            using (var whole = new OfForeground(null, head, (values, counted) => [output(values, counted)]))
                return whole.forward([map, mask]).Single();
        }
    }
}
