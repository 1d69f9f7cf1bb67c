namespace StreamingCnn.Training;

/// <summary>How the learning rate changes over the updates.</summary>
public enum LearningRateSchedule
{
    /// <summary>Stays as it is.</summary>
    Constant,

    /// <summary>Falls to 0 along half a cosine (Loshchilov and Hutter, "SGDR", 2017, without restarts).</summary>
    Cosine,

    /// <summary>A tenth after half of the updates, a hundredth after three quarters.</summary>
    Step,

    /// <summary>A tenth whenever the loss has not fallen for a number of epochs (<see cref="TrainingOptions.PlateauEpochs"/>).</summary>
    Plateau,
}

/// <summary>Pure arithmetic of the schedules: a resumed run needs no state for them.</summary>
internal static class LearningRateSchedules
{
    /// <summary>Factor of the learning rate for one update.</summary>
    /// <param name="options">The schedule and its warm-up.</param>
    /// <param name="update">The update, from 0.</param>
    /// <param name="updates">All updates of the run.</param>
    /// <param name="losses">The loss of every epoch that is done, of the validation images where there are any.</param>
    public static double Factor(TrainingOptions options, long update, long updates, IReadOnlyList<double> losses)
    {
        if (update < options.WarmUp)
            return (update + 1.0) / (options.WarmUp + 1.0);
        var progress = (double)(update - options.WarmUp) / Math.Max(updates - options.WarmUp, 1);
        return options.Schedule switch
        {
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            LearningRateSchedule.Step => progress < 0.5 ? 1 : progress < 0.75 ? 0.1 : 0.01,
            LearningRateSchedule.Plateau => Math.Pow(0.1, Plateaus(losses, options.PlateauEpochs)),
            _ => 1,
        };
    }

    /// <summary>How often the loss has gone without a new minimum for so many epochs; counted anew after each time.</summary>
    private static int Plateaus(IReadOnlyList<double> losses, int patience)
    {
        int plateaus = 0, waited = 0;
        var best = double.PositiveInfinity;
        foreach (var loss in losses)
        {
            if (loss < best)
            {
                (best, waited) = (loss, 0);
            }
            else if (++waited >= patience)
            {
                plateaus++;
                waited = 0;
            }
        }

        return plateaus;
    }
}
