using StreamingCnn.Distributed;
using StreamingCnn.Training.Ranks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>
/// What becomes of gradients that are added up: the learning rate by its schedule, clipping, the optimizer's step, the average of weights.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">Settings.</param>
/// <param name="optimizer">The optimizer.</param>
/// <param name="factors">Shares of the learning rate that the optimizer's groups of parameters get.</param>
/// <param name="average">The average of weights, if there is one.</param>
/// <param name="ranks">Processes that share the images.</param>
internal sealed class WeightUpdate(
    TrainableModel model,
    TrainingOptions options,
    OptimizerHelper optimizer,
    IReadOnlyList<double> factors,
    WeightAverage? average,
    ICommunicator ranks)
{
    /// <summary>The learning rate of the last update, before layers' shares.</summary>
    public double LearningRate => optimizer.ParamGroups.First().LearningRate / factors[0];

    /// <summary>Makes an update at the rate of the schedule, and begins with no gradients anew.</summary>
    /// <param name="position">Where the run stands.</param>
    /// <param name="updates">Updates of the whole run.</param>
    public void Make(TrainingPosition position, long updates)
    {
        var losses = position.History.ConvertAll(epoch => (epoch.Validation ?? epoch.Training).Loss);
        Make(options.LearningRate * LearningRateSchedules.Factor(options, position.Updates, updates, losses));
        position.Updates++;
        average?.Update(position.Updates);
    }

    /// <summary>Makes an update at a rate, which the average of weights does not follow, and begins with no gradients anew.</summary>
    public void Make(double rate)
    {
        using var scope = NewDisposeScope();
        GradientSum.ToAll(ranks, model.parameters());
        foreach (var (group, factor) in optimizer.ParamGroups.Zip(factors))
            group.LearningRate = rate * factor;
        if (options.ClipNorm is { } norm)
            nn.utils.clip_grad_norm_(model.parameters().Where(parameter => parameter.grad is not null), norm);
        using (new CollectionPause())
            optimizer.step();
        optimizer.zero_grad();
    }
}
