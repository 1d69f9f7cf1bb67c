using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>A running average of a model's weights (Polyak and Juditsky, 1992, with exponential weights).</summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly nn.Module model;
    private readonly double decay;
    private readonly OrderedDictionary<string, Tensor> averages = [];

    /// <summary>Begins with the model's present weights.</summary>
    public WeightAverage(nn.Module model, double decay)
    {
        this.model = model;
        this.decay = decay;
        foreach (var (name, value) in model.state_dict())
            averages.Add(name, value.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>The averages by the names of the weights.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => averages;

    /// <summary>Takes in the model's weights after an update.</summary>
    /// <param name="updates">Updates so far, this one included.</param>
    public void Update(long updates)
    {
        var keep = Math.Min(decay, (1.0 + updates) / (10.0 + updates));
        using var grad = no_grad();
        foreach (var (name, value) in model.state_dict())
        {
            if (value.is_floating_point())
                averages[name].lerp_(value, 1 - keep);
            else
                averages[name].copy_(value);
        }
    }

    /// <summary>Exchanges the model's weights and the averages; a second time puts everything back.</summary>
    public void Swap()
    {
        using var grad = no_grad();
        foreach (var (name, value) in model.state_dict())
        {
            using var weights = value.detach().clone();
            value.copy_(averages[name]);
            averages[name].copy_(weights);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var average in averages.Values)
            average.Dispose();
    }
}
