using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>A streamed model that a <see cref="Trainer"/> trains, one image at a time.</summary>
public abstract class TrainableModel : Module<Tensor, Tensor>
{
    /// <summary>Creates the model.</summary>
    private protected TrainableModel(string name)
        : base(name)
    {
    }

    /// <summary>What may have been trained before, and is left as it is for a while where that is asked for.</summary>
    public abstract Module<Tensor, Tensor> Trunk { get; }

    /// <summary>How the model is streamed.</summary>
    public abstract StreamingOptions Options { get; }

    /// <summary>What a step on one image would do and cost, in the modes that the model's layers are in now.</summary>
    /// <inheritdoc cref="StreamingModule.Plan(long, long)"/>
    public abstract TilePlan Plan(long height, long width);

    /// <summary>
    /// What a step on an image would do and cost. What says which positions count, its foreground or what is true of its pixels, is read,
    /// and said how much that leaves.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="truth">What is true of its pixels; null for a model of whole images, or where all of them count.</param>
    /// <inheritdoc cref="StreamingModule.Plan(long, long)" path="/exception"/>
    public virtual TilePlan Plan(IImageSource image, IImageSource? truth = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Plan(image.Height, image.Width);
    }

    /// <summary>What the model makes of one image, and how far off that is.</summary>
    /// <param name="task">What is to be learned.</param>
    /// <param name="sample">The image's labels.</param>
    /// <param name="image">The image; it must stay open until the backward pass is done, like the mask.</param>
    /// <param name="mask">The map of its classes, where it has one.</param>
    /// <param name="objective">What is learned by; null for the task's loss.</param>
    internal abstract ImageJudgement Judge(
        LearningTask task, TrainingSample sample, IImageSource image, IImageSource? mask, LossOptions? objective);
}

/// <summary>What a model makes of one image.</summary>
/// <param name="Loss">The task's loss, a scalar.</param>
/// <param name="Learned">
/// What is learned by, a scalar that <c>backward()</c> can be called on; null where there is nothing to learn.
/// </param>
/// <param name="Values">The prediction.</param>
internal sealed record ImageJudgement(Tensor Loss, Tensor? Learned, IReadOnlyList<double> Values);
