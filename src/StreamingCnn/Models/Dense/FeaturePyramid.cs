using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A feature pyramid on a trunk (Lin et al., arXiv 1612.03144), whose levels are joined at the largest one's size for dense prediction
/// (Kirillov et al., "Panoptic Feature Pyramid Networks", arXiv 1901.02446). Its features have a fourth of the image's height and width.
/// </summary>
/// <remarks>The pyramid has torchvision's names: <c>fpn.inner_blocks.0.0.weight</c>, <c>fpn.layer_blocks.0.0.weight</c>.</remarks>
public sealed class FeaturePyramid : DenseNetwork
{
    private const long Channels = 256;
    private const long Joined = 128;

    private readonly Module<Tensor, Tensor> backbone;
    private readonly PyramidLevels fpn;

    [ComponentName(Name = "scale_heads")]
    private readonly ModuleList<Sequential> scaleHeads;

    private readonly Conv2d? classifier;

    /// <summary>Creates the network with fresh weights of all but the trunk.</summary>
    /// <param name="trunk">
    /// A residual network or MobileNetV3 of <see cref="ModelCatalog"/>, which belongs to the network from now on.
    /// </param>
    /// <param name="classes">Scores of each pixel; null for features, of 128 channels.</param>
    /// <param name="norm">How the layers behind the pyramid normalise. Groups are of eight channels.</param>
    /// <exception cref="ArgumentException">The trunk has no maps of several sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no class, or no such norm.</exception>
    public FeaturePyramid(Module<Tensor, Tensor> trunk, int? classes = null, NormKind norm = NormKind.Frozen)
        : base(nameof(FeaturePyramid), classes)
    {
        ArgumentNullException.ThrowIfNull(trunk);
        var levels = (trunk as IStagedTrunk)?.StageChannels
            ?? throw new ArgumentException(
                $"A feature pyramid needs a trunk with maps of several sizes, and {trunk.GetType().Name} gives one; take ResNet or MobileNetV3.",
                nameof(trunk));
        backbone = trunk;
        var norms = NetworkNorm.InEights(norm);
        fpn = new(levels);
        scaleHeads = ModuleList<Sequential>([.. levels.Select((_, level) => Sequential(Enumerable.Range(0, Math.Max(1, level)).Select(
            step => norms.Behind(step == 0 ? Channels : Joined, Joined, 3, ReLU())).ToArray()))]);
        classifier = classes is { } count ? Conv2d(Joined, count, 1) : null;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override long FeatureChannels => Joined;

    /// <inheritdoc/>
    public override Module Backbone => backbone;

    private protected override FeatureMap Features(FeatureMap image)
    {
        var levels = fpn.Levels(((IStagedTrunk)backbone).Stages(image));
        var joined = levels[0].Through(scaleHeads[0]);
        for (var level = 1; level < levels.Length; level++)
        {
            var map = levels[level];
            // Twice the size after each convolution, to the next level's, whatever that is.
            foreach (var (step, layer) in scaleHeads[level].children().Index())
                map = map.Through((Module<Tensor, Tensor>)layer).ResizedTo(levels[level - 1 - step]);
            joined += map;
        }

        return joined;
    }

    private protected override FeatureMap Scores(FeatureMap features) => features.Through(classifier!);

    /// <summary>The pyramid itself: each level joined with the one above it, enlarged by nearest neighbours.</summary>
    private sealed class PyramidLevels : Module
    {
        [ComponentName(Name = "inner_blocks")]
        private readonly ModuleList<Sequential> inner;

        [ComponentName(Name = "layer_blocks")]
        private readonly ModuleList<Sequential> outer;

        public PyramidLevels(IReadOnlyList<long> channels)
            : base(nameof(PyramidLevels))
        {
            inner = ModuleList<Sequential>([.. channels.Select(count => Layer(count, 1))]);
            outer = ModuleList<Sequential>([.. channels.Select(_ => Layer(Channels, 3))]);
            RegisterComponents();
        }

        public FeatureMap[] Levels(IReadOnlyList<FeatureMap> maps)
        {
            var levels = new FeatureMap[maps.Count];
            FeatureMap? above = null;
            for (var level = maps.Count - 1; level >= 0; level--)
            {
                var lateral = maps[level].Through(inner[level]);
                above = above is null ? lateral : lateral + above.ResizedTo(lateral, UpsampleMode.Nearest);
                levels[level] = above.Through(outer[level]);
            }

            return levels;
        }

        private static Sequential Layer(long inputs, long kernel)
        {
            var convolution = Conv2d(inputs, Channels, kernel, padding: kernel / 2);
            init.kaiming_uniform_(convolution.weight, a: 1);
            init.zeros_(convolution.bias!);
            return Sequential(convolution);
        }
    }
}
